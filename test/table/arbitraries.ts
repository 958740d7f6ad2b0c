/** Names, answers and nodes of every kind, for the laws of the table and of the replies made from it. */
import fc from 'fast-check'
import { rdata } from '../../src/dns/rdata.ts'
import type {
  AddressesSpec,
  AnswerSpec,
  NodeSpec,
  RecordSpec,
  RecordsSpec,
  ServicesSpec,
  VariantsSpec,
  ZoneSpec,
} from '../../src/table/spec.ts'

export const typeNumbers = { A: 1, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const

export const zoneName = 'cluster.local.'

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$/)

/** A name in the zone, or the zone itself. */
export const nameInZone: fc.Arbitrary<string> = fc
  .array(label, { maxLength: 4 })
  .map((labels) => [...labels, zoneName].join('.'))

const foreignName = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => `${labels.join('.')}.example.`)
/** What an SRV record may have for a target: the root is no host (RFC 2782). */
const hostName = fc.oneof({ arbitrary: nameInZone, weight: 4 }, foreignName)
export const anyName = fc.oneof({ arbitrary: nameInZone, weight: 4 }, foreignName, fc.constant('.'))

const ttl = fc.nat(3600)

/** Distinct addresses, so that a permutation of them can be told from a repetition. */
const packed = (size: number, min: number, max: number): fc.Arbitrary<Uint8Array> =>
  fc.record({ count: fc.integer({ min, max }), salt: fc.nat(250) }).map(({ count, salt }) => {
    const octets = new Uint8Array(count * size).fill(salt)
    for (let i = 0; i < count; i++) {
      octets[i * size] = i >> 8
      octets[i * size + 1] = i
    }
    return octets
  })

const manyOrFew = (most: number) => fc.oneof({ arbitrary: fc.constant(4), weight: 3 }, fc.constant(most))

export const addressesSpec = (type: number): fc.Arbitrary<AddressesSpec> =>
  manyOrFew(90).chain((most) =>
    fc.record({
      kind: fc.constant('addresses' as const),
      ttl,
      addresses: packed(type === typeNumbers.A ? 4 : 16, 1, most),
    }),
  )

export const servicesSpec: fc.Arbitrary<ServicesSpec> = manyOrFew(24)
  .chain((most) =>
    fc.uniqueArray(hostName, { minLength: 1, maxLength: most, size: 'max' }).chain((names) =>
      fc.record({
        kind: fc.constant('services' as const),
        ttl,
        targets: fc.tuple(
          ...names.map((name) => fc.record({ name: fc.constant(name), a: packed(4, 0, 3), aaaa: packed(16, 0, 2) })),
        ),
        records: fc.array(
          fc.record({
            priority: fc.nat(65_535),
            weight: fc.nat(65_535),
            port: fc.nat(65_535),
            target: fc.nat(names.length - 1),
          }),
          { minLength: 1, maxLength: names.length * 2, size: 'max' },
        ),
      }),
    ),
  )
  .map(withoutOrphans)

/** Few different weights and priorities, as a split has them, and any. */
export const weightedServicesSpec: fc.Arbitrary<ServicesSpec> = fc
  .record({ spec: servicesSpec, few: fc.boolean() })
  .map(({ spec: { targets, records, ...rest }, few }) => ({
    ...rest,
    order: 'weighted' as const,
    targets,
    records: records
      .map((record) => (few ? { ...record, priority: record.priority % 2, weight: record.weight % 3 } : record))
      // The table keeps them in this order; that of a reply is drawn.
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight),
  }))

/** Every target has a record, or its address would stand in the reply for nothing. */
function withoutOrphans(spec: ServicesSpec): ServicesSpec {
  const missing = spec.targets.map((_, target) => target).filter((t) => !spec.records.some((r) => r.target === t))
  return {
    ...spec,
    records: [...spec.records, ...missing.map((target) => ({ priority: 0, weight: 1, port: 80, target }))],
  }
}

const owner = fc.oneof({ arbitrary: fc.constant(''), weight: 3 }, anyName)

const record: fc.Arbitrary<RecordSpec> = fc.oneof(
  fc.record({ owner, type: fc.constant(1), ttl, rdata: packed(4, 1, 1) }),
  fc.record({ owner, type: fc.constant(28), ttl, rdata: packed(16, 1, 1) }),
  fc.record({ owner, type: fc.constant(typeNumbers.CNAME), ttl, rdata: anyName.map(rdata.name) }),
  fc.record({ owner, type: fc.constant(typeNumbers.PTR), ttl, rdata: anyName.map(rdata.name) }),
  fc.record({
    owner: fc.constant(''),
    type: fc.constant(typeNumbers.TXT),
    ttl,
    rdata: fc
      .array(
        fc.string({ maxLength: 60 }).map((text) => text.replace(/[^ -~]/g, '?')),
        { minLength: 1, maxLength: 3 },
      )
      .map(rdata.txt),
  }),
)

export const recordsSpec: fc.Arbitrary<RecordsSpec> = manyOrFew(40).chain((most) =>
  fc.record({
    kind: fc.constant('records' as const),
    answer: fc.array(record, { minLength: 1, maxLength: most, size: 'max' }),
    additional: fc.array(record, { maxLength: 3 }),
  }),
)

const single = (type: number) => {
  if (type === typeNumbers.A || type === typeNumbers.AAAA) return addressesSpec(type)
  return type === typeNumbers.SRV ? servicesSpec : recordsSpec
}

const variantsSpec = (type: number): fc.Arbitrary<VariantsSpec> =>
  fc.record({
    kind: fc.constant('variants' as const),
    variants: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 1000 }), answer: single(type) }), {
      minLength: 1,
      maxLength: 3,
    }),
  })

export const bodiless = fc.constantFrom('nodata', 'nxdomain', 'chain', 'soa').map((kind) => ({ kind }) as AnswerSpec)

export const answerSpec = (type: number): fc.Arbitrary<AnswerSpec> =>
  fc.oneof({ arbitrary: single(type), weight: 4 }, bodiless, variantsSpec(type))

export const nodeSpec: fc.Arbitrary<NodeSpec> = fc
  .uniqueArray(fc.constantFrom(...Object.values(typeNumbers)), { maxLength: 5 })
  .chain((types) =>
    fc.record({
      zone: fc.constant(zoneName),
      below: fc.constantFrom('closed', 'open'),
      otherTypes: fc.constantFrom('nodata', 'nxdomain', 'chain'),
      answers: fc
        .tuple(...types.map((type) => answerSpec(type).map((answer) => [type, answer] as const)))
        .map((pairs) => new Map(pairs)),
    }),
  )

export const zoneSpec = (change: Partial<ZoneSpec['soa']> = {}, zone = zoneName, open = false): ZoneSpec => ({
  zone,
  open,
  soa: {
    mname: zone === '.' ? 'ns.dns.' : `ns.dns.${zone}`,
    rname: zone === '.' ? 'hostmaster.' : `hostmaster.${zone}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: 5,
    ttl: 5,
    ...change,
  },
})
