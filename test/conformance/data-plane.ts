/** Which questions the answer table answered, and why the others went to the plugin chain: from slicedns's own counters. */
import { type as rrType } from '../../src/dns/codes.ts'
import { describe } from './compare.ts'
import { eachInParallel } from './differential.ts'
import { reverseNamesOf } from './names.ts'
import type { KubernetesObject } from './objects.ts'
import type { Pair } from './pair.ts'
import { type Ask, ask, edns } from './queries.ts'

export interface Counts {
  /** Queries that came in. */
  readonly requests: number
  /** Reason → queries that the table left to the chain. */
  readonly misses: ReadonlyMap<string, number>
}

export async function readCounts(pair: Pair): Promise<Counts> {
  let requests = 0
  const misses = new Map<string, number>()
  for (const line of (await pair.metrics()).split('\n')) {
    const [, name, labels, value] = /^([a-z_]+)\{(.*)\} ([0-9.e+]+)$/.exec(line) ?? []
    if (name === 'coredns_dns_requests_total') requests += Number(value)
    const reason = name === 'slicedns_table_misses_total' && /reason="([^"]*)"/.exec(labels!)?.[1]
    if (reason && Number(value) > 0) misses.set(reason, Number(value))
  }
  return { requests, misses }
}

const total = ({ misses }: Counts) => [...misses.values()].reduce((sum, count) => sum + count, 0)

export function countsText(counts: Counts): string {
  const reasons = [...counts.misses].map(([reason, count]) => `${reason} ${count}`).join(', ')
  return `${counts.requests - total(counts)} of ${counts.requests} by the data plane; by the chain: ${reasons || 'none'}`
}

/**
 * Names that the DNS specification gives the objects, and names that search paths make of others, with the main types:
 * all of them known ahead of the question. What an external name or an FQDN slice leads to is not.
 */
function mainQuestions(objects: readonly KubernetesObject[], zone: string): Ask[] {
  const names = new Set<string>([zone, `svc.${zone}`])
  const leadingOut = new Set(objects.filter(({ addressType }) => addressType === 'FQDN').map(serviceOf))
  for (const object of objects) {
    const { name, namespace = '' } = object.metadata
    const own = `${name}.${namespace}.svc.${zone}`
    if (object.kind === 'Namespace') {
      names.add(`${name}.svc.${zone}`)
      for (const outside of ['www.example.org', 'api.example.net', 'nosuch'])
        for (const suffix of [`${name}.svc.`, 'svc.', '']) names.add(`${outside}.${suffix}${zone}`)
    }
    if (object.kind === 'Service') {
      const spec = object.spec as { type?: string; ports?: { name?: string; protocol?: string }[] }
      if (spec.type === 'ExternalName' || leadingOut.has(`${namespace}/${name}`)) continue
      names.add(own)
      // A label has room for 62 octets behind the underscore.
      for (const { name: port, protocol = 'TCP' } of spec.ports ?? [])
        if (port && port.length < 63) names.add(`_${port}._${protocol.toLowerCase()}.${own}`)
    }
    if (object.kind === 'EndpointSlice') for (const endpoint of endpointNames(object, zone)) names.add(endpoint)
  }
  const { A, AAAA, SRV, TXT, PTR } = rrType
  return [
    ...[...names].flatMap((name) =>
      [A, AAAA, SRV, TXT, PTR].flatMap((type) => [ask(name, type), ask(name, type, { edns: edns(1232) })]),
    ),
    ...reverseNamesOf(objects).map((name) => ask(name, PTR)),
  ]
}

/** Those of the main questions whose names exist or belong to a search path. */
export async function fastQuestions(objects: readonly KubernetesObject[], pair: Pair): Promise<Ask[]> {
  const isSearch = (name: string) => /^(www\.example\.org|api\.example\.net|nosuch)\./.test(name)
  const asks = mainQuestions(objects, pair.zone)
  const existing = new Set<string>()
  await eachInParallel(asks, async (asked) => {
    const reply = await pair.ours.client.ask(asked)
    if (reply && (reply[3]! & 15) === 0) existing.add(asked.name)
  })
  return asks.filter(({ name }) => existing.has(name) || isSearch(name))
}

const serviceOf = ({ metadata: { namespace, labels } }: KubernetesObject): string =>
  `${namespace}/${(labels as Record<string, string>)['kubernetes.io/service-name']}`

function endpointNames(object: KubernetesObject, zone: string): string[] {
  const [namespace, service] = serviceOf(object).split('/')
  const own = `${service}.${namespace}.svc.${zone}`
  return (object.endpoints as { addresses: string[]; hostname?: string }[])
    .filter(() => object.addressType === 'IPv4')
    .flatMap(({ addresses, hostname }) => (hostname ? [hostname] : addresses.map((a) => a.replaceAll('.', '-'))))
    .map((label) => `${label}.${own}`)
}

/** Those of the questions that the chain had to answer although they had been asked before, with the counter's reason. */
export async function leftToChain(asks: readonly Ask[], pair: Pair): Promise<string[]> {
  const before = await readCounts(pair)
  await eachInParallel(asks, async (asked) => void (await pair.ours.client.ask(asked)))
  const after = await readCounts(pair)
  if (total(after) === total(before)) return []
  if (asks.length === 1) {
    const reason = [...after.misses].find(([label, count]) => count !== before.misses.get(label))?.[0]
    return [`${describe(asks[0]!)}: ${reason}`]
  }
  const middle = asks.length >> 1
  return [...(await leftToChain(asks.slice(0, middle), pair)), ...(await leftToChain(asks.slice(middle), pair))]
}
