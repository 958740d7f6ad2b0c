import { argCount, custom, fail, flag, integer, option, readBody, text, value } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema, Token } from '../../corefile/schema.ts'

/** The address of a sink, or the one that sinks connect to. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number | undefined }

/** The certificate of a listener for sinks. */
export interface ListenerCertificate {
  readonly certificate: string
  readonly key: string
  /** The CA of client certificates; undefined: clients need none. */
  readonly authority: string | undefined
}

/** One tap. */
export interface TapSettings {
  /** As written: `tcp://127.0.0.1:6000`. */
  readonly address: string
  readonly endpoint: Endpoint
  /** Sinks connect to us. */
  readonly listens: boolean
  readonly full: boolean
  /** Multiples of the bounds on waiting octets and messages. */
  readonly writeBuffer: number
  readonly queue: number
  /** Undefined: the host name, and slicedns's version. */
  readonly identity: string | undefined
  readonly version: string | undefined
  readonly extra: string
  readonly skipVerify: boolean
  readonly certificate: ListenerCertificate | undefined
}

const rows = {
  identity: option(text, { closes: true }),
  version: option(text, { closes: true }),
  extra: option(text, { default: '', closes: true }),
  skipverify: flag({ closes: true }),
  tls: custom<ListenerCertificate>({ min: 2 }, ({ args: [certificate, key, authority] }) => ({
    certificate: certificate.text,
    key: key.text,
    authority: authority?.text,
  })),
}

export const schema: DirectiveSchema<readonly TapSettings[]> = {
  usage:
    'dnstap [listen] SOCKET [full] [WRITEBUFFER] [QUEUE] { identity IDENTITY; version VERSION; extra EXTRA; tls CERT KEY [CA]; skipverify }',
  repeat: 'many',
  read: ({ occurrences }) => occurrences.map(readTap),
}

function readTap(directive: Directive): TapSettings {
  argCount(directive, 1)
  const listens = directive.args[0].text === 'listen'
  const [address, full, writeBuffer, queue] = listens ? directive.args.slice(1) : directive.args
  if (address === undefined) throw fail('dnstap listen needs an address', directive)
  const endpoint = readEndpoint(address)
  // Any other word in the place of `full` is ignored, as in CoreDNS.
  const multiples = {
    writeBuffer: writeBuffer === undefined ? 1 : value(integer({ min: 1, max: 1024 }), writeBuffer, 'the write buffer'),
    queue: queue === undefined ? 1 : value(integer({ min: 1, max: 4096 }), queue, 'the queue'),
  }
  const tls = directive.body?.find(({ word }) => word.text === 'tls')
  if (tls && !listens) throw fail("'tls' is only valid with 'listen'", tls)
  const { tls: certificate, skipverify: skipVerify, ...others } = readBody(directive, rows)
  return {
    address: address.text,
    endpoint,
    listens,
    full: full?.text === 'full',
    ...multiples,
    ...others,
    skipVerify,
    certificate,
  }
}

function readEndpoint(address: Token): Endpoint {
  const [, scheme, rest] = /^(?:(tcp|tls|unix):\/\/)?(.*)$/s.exec(address.text)!
  if (scheme !== 'tcp' && scheme !== 'tls') return { kind: 'unix', path: rest }
  const authority = /^[^/?#]*/.exec(rest)![0].replace(/^.*@/s, '')
  const found = /^(\[[\da-fA-F:.%]+\]|[^:[\]\s]*)(?::(\d*))?$/.exec(authority)
  if (!found) throw fail(`'${address.text}' is not an address such as ${scheme}://127.0.0.1:6000`, address)
  const [, host, port] = found
  return { kind: scheme, host: host.replace(/^\[|\]$/g, ''), port: port ? Number(port) : undefined }
}
