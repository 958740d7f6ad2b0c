/** Zone transfers of both servers, compared as sets of records; the serial is each server's own clock. */
import { createConnection } from 'node:net'
import { rcode, rcodeName, type as rrType, typeName } from '../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { readSoa, recordText } from '../../src/dns/rdata.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { openClient } from './client.ts'
import { ask } from './queries.ts'

const timeout = 10_000

const ways = ['axfr', 'older', 'same', 'no serial'] as const
type Way = (typeof ways)[number]

/** What an AXFR, and an IXFR with another serial, with the zone's own, and with none, tell differently. */
export async function transferDifferences(zone: string, theirs: number, ours: number): Promise<string[]> {
  const told: string[] = []
  for (const way of ways) {
    const wanted = await outcome(zone, theirs, way)
    const got = await outcome(zone, ours, way)
    if (way === 'older' && isUpToDate(wanted)) continue
    // Its serial is 0 until something changes, which is as good as none; ours may have seen more change.
    if (way === 'same' && isUpToDate(got) && !isUpToDate(wanted) && (await serialOf(zone, theirs)) === 0) continue
    const left = wanted.filter((line) => !got.includes(line) && !isBetterLeftOut(line, got))
    const denied = await deniedNames(left, theirs)
    const missing = left.filter((line) => !denied.has(line.split(' ')[0]!))
    const extra = got.filter((line) => !wanted.includes(line) && !isBetterTold(line, wanted))
    if (missing.length + extra.length === 0) continue
    told.push([way, ...missing.map((line) => `  - ${line}`), ...extra.map((line) => `  + ${line}`)].join('\n'))
  }
  return told
}

/**
 * CoreDNS's k8s_external takes every serial above its own for up to date, and its own is 0 until something changes
 * (docs/differences.md).
 */
const isUpToDate = (lines: readonly string[]): boolean => lines.includes('from SOA to SOA') && lines.length === 3

/**
 * The deliberate differences of docs/differences.md: FQDN endpoints as SRV records to the root, records beside a CNAME,
 * targets that lack two labels, the name of a port that has none, and ports without a number.
 */
function isBetterLeftOut(line: string, got: readonly string[]): boolean {
  const [owner, , , type, , , port, target] = line.split(' ')
  if (type === 'SRV' && port === '65535') return true
  if (type === 'SRV' && (target === '.' || target === 'org.')) return true
  if (type === 'SRV' && owner?.startsWith('_._')) return true
  const beside = got.some((other) => other.startsWith(`${owner} `) && / IN CNAME /.test(other))
  const alone = type === 'CNAME' && got.some((other) => other.startsWith(`${owner} `))
  return beside || alone
}

/** Owners of records in a transfer that the server itself denies when asked: those in namespaces that are gone. */
async function deniedNames(lines: readonly string[], port: number): Promise<ReadonlySet<string>> {
  const denied = new Set<string>()
  if (lines.length === 0) return denied
  const client = await openClient('127.0.0.1', port)
  for (const owner of new Set(lines.map((line) => line.split(' ')[0]!))) {
    const reply = owner.endsWith('.') ? await client.ask(ask(owner, rrType.SRV)) : undefined
    if (reply && parseMessage(reply).rcode === rcode.NXDOMAIN) denied.add(owner)
  }
  client.close()
  return denied
}

async function serialOf(zone: string, port: number): Promise<number | undefined> {
  const [first] = (await transfer(port, { ...queryMessage(zone, rrType.AXFR, false), id: 1 }))[0]!.answer
  return first?.type === rrType.SOA ? readSoa(first.rdata).serial : undefined
}

/** SRV records of k8s_external: the whole target where CoreDNS's lacks two labels, and every port of a bare name. */
function isBetterTold(line: string, wanted: readonly string[]): boolean {
  const [owner, , , type] = line.split(' ')
  return type === 'SRV' && wanted.some((other) => other.startsWith(`${owner} `) && / IN SRV /.test(other))
}

/** Lines that equal transfers share. */
async function outcome(zone: string, port: number, how: Way): Promise<string[]> {
  const whole = await transfer(port, { ...queryMessage(zone, rrType.AXFR, false), id: 1 })
  if (how === 'axfr') return linesOf(whole)
  const [soa] = whole[0]!.answer
  if (!soa || soa.type !== rrType.SOA) return ['no transfer to compare an IXFR with']
  const older = Buffer.from(soa.rdata)
  older.writeUInt32BE(Math.max(1, readSoa(soa.rdata).serial - 10), older.length - 20)
  const authority = how === 'no serial' ? [] : [how === 'same' ? soa : { ...soa, rdata: older }]
  return linesOf(await transfer(port, { ...queryMessage(zone, rrType.IXFR, false), id: 1, authority }))
}

function linesOf(messages: readonly Message[]): string[] {
  const records = messages.flatMap(({ answer }) => answer)
  const heads = messages.map(
    ({ rcode, authoritative, questions: [question] }) =>
      `${rcodeName(rcode)}${authoritative ? ' aa' : ''} ${question?.name} ${typeName(question?.type ?? 0)}`,
  )
  const [first, last] = [records[0], records.at(-1)]
  return [
    ...new Set([
      ...heads,
      `from ${first ? typeName(first.type) : 'nothing'} to ${last ? typeName(last.type) : 'nothing'}`,
      ...records.map(withoutSerial),
    ]),
  ].sort()
}

function withoutSerial(record: ResourceRecord): string {
  const words = recordText(record).split(/\s+/)
  return (record.type === rrType.SOA ? words.toSpliced(6, 1) : words).join(' ')
}

/** Every message until the SOA comes again, or there is nothing more to come. */
function transfer(port: number, request: Message): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(port, '127.0.0.1')
    const messages: Message[] = []
    let received = Buffer.alloc(0)
    let soas = 0
    const done = () => {
      clearTimeout(timer)
      connection.destroy()
      resolve(messages)
    }
    const timer = setTimeout(() => reject(new Error(`the transfer from port ${port} does not end`)), timeout)
    connection.on('error', reject)
    connection.on('close', done)
    connection.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const message = parseMessage(received.subarray(2, end))
        received = received.subarray(end)
        messages.push(message)
        soas += message.answer.filter(({ type }) => type === rrType.SOA).length
        const alone = messages.length === 1 && message.answer.length <= 1
        if (soas === 2 || alone) done()
      }
    })
    const octets = encodeMessage(request, { limit: 65_535 })
    connection.write(Buffer.concat([Buffer.from([octets.length >> 8, octets.length & 255]), octets]))
  })
}
