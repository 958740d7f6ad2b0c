/**
 * Which addresses of SRV targets are left out of a reply that is too long. CoreDNS has them in the order of endpoints,
 * slicedns target by target: what fits of A and AAAA records, which differ in length, is another number.
 */
import { type as rrType } from '../../src/dns/codes.ts'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { lowerName } from '../../src/dns/name.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { difference } from './compare.ts'
import type { Pair } from './pair.ts'
import type { Ask } from './queries.ts'

type Servers = Pick<Pair, 'theirs' | 'ours' | 'excuse'>

export async function cutReason(
  asked: Ask,
  wanted: Uint8Array | undefined,
  got: Uint8Array | undefined,
  servers: Servers,
): Promise<string | undefined> {
  return (await isOtherCut(asked, wanted, got, servers))
    ? 'a cut SRV answer has other addresses of its targets'
    : undefined
}

/**
 * The replies have all SRV records and some of the addresses, ours as many as fit, and over TCP both servers give one
 * whole answer.
 */
async function isOtherCut(
  asked: Ask,
  wanted: Uint8Array | undefined,
  got: Uint8Array | undefined,
  { theirs, ours, excuse }: Servers,
): Promise<boolean> {
  if (!wanted || !got || asked.type !== rrType.SRV || asked.over !== 'udp') return false
  const [left, right] = [parseMessage(wanted), parseMessage(got)]
  if (!left.truncated || !right.truncated || left.answer.length !== right.answer.length) return false
  const overTcp: Ask = { ...asked, over: 'tcp' }
  const [theirWhole, ourWhole] = [await theirs.client.ask(overTcp), await ours.client.ask(overTcp)]
  if (!theirWhole || !ourWhole) return false
  if (difference(overTcp, theirWhole, ourWhole) !== undefined && excuse(overTcp, theirWhole, ourWhole) === undefined)
    return false
  const whole = parseMessage(ourWhole)
  const room = Math.max(512, asked.edns?.payloadSize ?? 0) - got.length
  return whole.answer.length === right.answer.length && isFull(right.additional, whole.additional, room)
}

/** `some` are of `all`, and one of those that are left out has no room. */
function isFull(some: readonly ResourceRecord[], all: readonly ResourceRecord[], room: number): boolean {
  const text = (record: ResourceRecord) => lowerName(recordText(record))
  const told = new Set(some.map(text))
  const left = all.filter((record) => !told.has(text(record)))
  // A pointer for its name, then type, class, TTL and length.
  return some.length + left.length === all.length && left.some(({ rdata }) => 12 + rdata.length > room)
}
