/** The keys of a query's record (`-log-format=json`), in CoreDNS's order. */
import { className, rcodeName, typeName } from '../../dns/codes.ts'
import type { LogFields } from '../../telemetry/log.ts'
import type { Logged } from './logged.ts'

export function recordFields(logged: Logged): LogFields {
  const { client, reply } = logged
  return {
    plugin: 'log',
    client_ip: client.address,
    client_port: client.port,
    qname: logged.name,
    qtype: typeName(logged.type),
    qclass: className(logged.class),
    protocol: logged.transport,
    id: logged.id,
    opcode: logged.opcode,
    request_size: logged.octets,
    dnssec_ok: logged.dnssecOk,
    bufsize: logged.limit,
    // An rcode without a name is shown as its number.
    rcode: reply ? rcodeName(reply.rcode).replace(/^RCODE/, '') : null,
    response_size: reply?.octets ?? 0,
    duration_seconds: Number(logged.seconds.toFixed(9)),
  }
}
