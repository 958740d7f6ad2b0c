/** Upstreams: one that answers as it should, and one that does with each name what the name's second label says. */
import { type Arrived, answering, type Script, startUpstream } from '../support/upstream.ts'
import { nameOctets } from './datagrams.ts'
import { createRandom, type Random } from './random.ts'

/** What every name gets from the good one. */
export const goodAddress = '192.0.2.1'

const question = (name: string, type: number): Buffer =>
  Buffer.concat([nameOctets(name), Buffer.of(type >> 8, type & 0xff, 0, 1)])

/** Header with these flags and counts and the ID that was asked with, then `body`. */
function message({ query }: Arrived, flags: number, counts: readonly number[], ...body: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(query.id, 0)
  head.writeUInt16BE(flags, 2)
  counts.forEach((count, i) => void head.writeUInt16BE(count, 4 + 2 * i))
  return Buffer.concat([head, ...body])
}

const answered = 0x8180
const addressRecord = Buffer.from('c00c00010001000000780004c0000201', 'hex')

type Misbehaviour = (arrived: Arrived, name: string, random: Random) => void

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  silence: () => undefined,
  wrongid: (arrived) => arrived.reply({}, { id: arrived.query.id ^ 1 }),
  wrongquestion: (arrived) =>
    arrived.send(message(arrived, answered, [1, 0, 0, 0], question('other.garbage.test.', 1))),
  noquestion: (arrived) => arrived.send(message(arrived, answered, [0, 1, 0, 0], addressRecord)),
  header: (arrived) => arrived.send(message(arrived, answered, [1, 1, 0, 0])),
  query: (arrived, name) =>
    arrived.send(message(arrived, 0x0100, [1, 0, 0, 0], question(name, arrived.query.questions[0].type))),
  short: (arrived, _, random) => arrived.send(message(arrived, answered, [0, 0, 0, 0]).subarray(0, random.below(12))),
  noise: (arrived, _, random) => arrived.send(random.bytes(random.below(1500))),
  noisewithid: (arrived, _, random) =>
    arrived.send(message(arrived, answered, [1, 1, 1, 1], random.bytes(random.below(500)))),
  loop: (arrived, name) =>
    arrived.send(
      message(
        arrived,
        answered,
        [1, 1, 0, 0],
        question(name, 5),
        Buffer.from('c00c000500010000007800020000', 'hex').fill(0xc0, 12, 13),
      ),
    ),
  selfpointer: (arrived, name) => {
    const asked = question(name, arrived.query.questions[0].type)
    const self = 0xc000 | (12 + asked.length)
    arrived.send(
      message(arrived, answered, [1, 1, 0, 0], asked, Buffer.of(self >> 8, self & 0xff), addressRecord.subarray(2)),
    )
  },
  counts: (arrived, name) =>
    arrived.send(message(arrived, answered, [1, 65535, 65535, 65535], question(name, arrived.query.questions[0].type))),
  rdlength: (arrived, name) =>
    arrived.send(
      message(
        arrived,
        answered,
        [1, 1, 0, 0],
        question(name, 1),
        Buffer.from('c00c0001000100000078ffffc0000201', 'hex'),
      ),
    ),
  rcodes: (arrived, _, random) => arrived.reply({ rcode: random.below(16) }),
  bits: (arrived, name, random) =>
    arrived.send(
      message(
        arrived,
        0x8000 | random.below(32768),
        [1, 1, 0, 0],
        question(name, arrived.query.questions[0].type),
        addressRecord,
      ),
    ),
  twice: (arrived, name) => {
    for (const address of [goodAddress, '192.0.2.2']) answering(address)(arrived)
    arrived.send(message(arrived, answered, [1, 0, 0, 0], question(name, 1)))
  },
  // Over TCP, where it is asked again, frames of 64 KiB that are no messages.
  truncated: (arrived, name, random) => {
    if (arrived.via === 'udp') arrived.reply({}, { truncated: true })
    else if (random.chance(0.5)) arrived.send(random.bytes(65_535))
    else arrived.send(message(arrived, answered, [1, 0, 0, 0], question(name, 1), random.bytes(65_000)))
  },
  hangup: (arrived) => (arrived.via === 'udp' ? arrived.reply({}, { truncated: true }) : arrived.hangUp()),
  huge: (arrived, name) =>
    arrived.send(
      message(
        arrived,
        answered,
        [1, arrived.via === 'udp' ? 500 : 4000, 0, 0],
        question(name, arrived.query.questions[0].type),
        ...Array.from({ length: arrived.via === 'udp' ? 500 : 4000 }, () => addressRecord),
      ),
    ),
}

export const misbehaviourNames = Object.keys(misbehaviours)

/** The seed settles what it does where a misbehaviour leaves a choice. */
export function misbehaving(seed: number): Script {
  const random = createRandom(seed)
  return (arrived) => {
    const { name } = arrived.query.questions[0]
    const kind = name.toLowerCase().split('.')[1] ?? ''
    // Names that a bit flip has made unknown are answered.
    ;(misbehaviours[kind] ?? answering(goodAddress))(arrived, name, random)
  }
}

/** A good and a bad upstream that keep no record of what arrives. */
export async function startUpstreams(seed: number) {
  const forgetful =
    (script: Script): Script =>
    (arrived) => {
      upstreams.forEach((upstream) => void upstream.arrived.splice(0))
      script(arrived)
    }
  const good = await startUpstream(forgetful(answering(goodAddress)))
  const bad = await startUpstream(forgetful(misbehaving(seed)))
  const upstreams = [good, bad]
  return {
    good: good.to,
    bad: bad.to,
    close: () => Promise.all([good.close(), bad.close()]),
  }
}
