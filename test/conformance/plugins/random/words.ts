/** The words of random rules: few enough that a rule, a name and a record meet often. */
import type { Random } from '../../random-source.ts'

const labels = ['a', 'b', 'www', 'x', 'ab', 'Mixed', '_http', '1', 'x-y', 'alias', 'nosuch', 'text', 'many', 'mail']
const zones = ['r.test', 'up.test', 'up.test', 'echo.test', 'b.r.test', 'example.org', 'test']
const types = ['A', 'AAAA', 'TXT', 'MX', 'SRV', 'CNAME', 'PTR', 'HTTPS', 'NS', 'SOA', 'CAA', 'ANY']
const networks = [
  '127.0.0.0/8',
  '127.0.0.2',
  '127.0.0.0/31',
  '127.7.0.0/16',
  '0.0.0.0/0',
  '::1',
  '::/0',
  '*',
  '10.0.0.0/8',
]

/** Addresses that questions come from. */
export const clients = ['127.0.0.1', '127.0.0.2', '127.7.7.7', '::1']

export interface Words {
  readonly random: Random
  /** Names without the closing dot; each is remembered, and asked for. */
  name(): string
  zone(): string
  label(): string
  type(): string
  network(): string
  ip4(): string
  ip6(): string
  ttl(): number
  /** One or more, different ones. */
  some<T>(most: number, make: () => T): T[]
  /** `text` with the given probability, else nothing. */
  perhaps<T>(probability: number, ...items: readonly T[]): readonly T[]
  /** Names to ask for. */
  readonly names: Set<string>
}

export function wordsFrom(random: Random): Words {
  const names = new Set<string>()
  const remembered = (name: string) => {
    names.add(`${name.toLowerCase()}.`)
    return name
  }
  const words: Words = {
    random,
    names,
    label: () => random.pick(labels),
    zone: () => remembered(random.pick(zones)),
    name() {
      const left = Array.from({ length: 1 + random.below(2) }, () => random.pick(labels))
      return remembered([...left, random.pick(zones)].join('.'))
    },
    type: () => random.pick(types),
    network: () => random.pick(networks),
    ip4: () => random.pick(['192.0.2.1', '192.0.2.2', '10.0.0.9', '127.0.0.1', '198.51.100.7']),
    ip6: () => random.pick(['2001:db8::1', '64:ff9b::192.0.2.9', '::1', 'fe80::2', '::ffff:192.0.2.3']),
    ttl: () => random.pick([0, 1, 5, 30, 77, 3600, 604_800]),
    some: (most, make) => [...new Set(Array.from({ length: 1 + random.below(most) }, make))],
    perhaps: (probability, ...items) => (random.chance(probability) ? items : []),
  }
  return words
}
