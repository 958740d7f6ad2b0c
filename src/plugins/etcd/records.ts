/** Makes records of services, as CoreDNS does. */
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, isSubdomain, labelsOf, lowerName, NameError } from '../../dns/name.ts'
import { rdata, readName } from '../../dns/rdata.ts'
import { addressRecord, record } from '../../dns/record.ts'
import { join, uint16 } from '../../dns/values.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { nameOfKey, type Segments } from './keys.ts'
import { noPort, type Service } from './service.ts'
import type { Services } from './services.ts'

export interface Answer {
  readonly answer: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  readonly truncated: boolean
}

export interface RecordsOptions {
  readonly path: Segments
  readonly services: Services
  /** Seconds. */
  readonly ttlOf: (service: Service) => number
  readonly apexFallback: boolean
}

/** The answer to a question; undefined where its name leads to no key. Throws where etcd's data is unusable. */
export type Records = (query: Query, zone: string) => undefined | Promise<Answer>

/** CNAMEs in a row; CoreDNS's figure. */
const maxChain = 10

export function createRecords({ path, services, ttlOf, apexFallback }: RecordsOptions): Records {
  /** The apex's own services are below `apex.dns`; without any, those of the whole zone are its own. */
  function atName(name: string, qtype: number, zone: string): readonly Service[] | undefined {
    if (lowerName(name) !== zone) return services.of(name, qtype)
    return services.of(below('apex.dns', zone), qtype) ?? (apexFallback ? services.of(name, qtype) : undefined)
  }

  /** Records of the type at the name. CNAMEs are followed, within the zone and outside of it. */
  async function followed(
    query: Query,
    zone: string,
    name: string,
    qtype: number,
    found: readonly Service[],
    before: readonly ResourceRecord[],
  ): Promise<{ records: readonly ResourceRecord[]; truncated: boolean }> {
    const records: ResourceRecord[] = []
    let truncated = false
    const seen = new Set<string>()
    for (const service of found) {
      const kind = kindOf(service)
      if (kind === type.CNAME) {
        const alias = aliasOf(name, service)
        if (!alias || isInLoop(name, alias, before)) continue
        const target = await atTarget(query, zone, readName(alias.rdata), qtype, [...before, alias])
        if (!target) continue
        truncated ||= target.truncated
        records.push(alias, ...target.records)
      } else if (kind === qtype && !seen.has(contentOf(service))) {
        seen.add(contentOf(service))
        records.push(record(name, qtype, ttlOf(service), rdataOf(service)))
      }
    }
    return { records, truncated }
  }

  /** Undefined where a CNAME leads nowhere: it is left out then. */
  async function atTarget(
    query: Query,
    zone: string,
    target: string,
    qtype: number,
    before: readonly ResourceRecord[],
  ): Promise<{ records: readonly ResourceRecord[]; truncated: boolean } | undefined> {
    if (!isSubdomain(zone, lowerName(target))) {
      const found = await elsewhere(query, target, qtype)
      if (found === 'too many') throw new Error(`CNAMEs of ${query.name} lead to too many names outside of the zone`)
      return found
    }
    if (!query.budget.spendName()) throw new Error(`CNAMEs of ${query.name} lead to too many names`)
    const found = qtype === type.TXT ? services.of(target, qtype) : atName(target, qtype, zone)
    if (!found) return undefined
    const next = await followed(query, zone, target, qtype, found, before)
    return next.records.length > 0 ? next : undefined
  }

  /** A name is looked up once per question. */
  const lookups = new WeakMap<Query, Map<string, Promise<Outcome>>>()

  async function elsewhere(query: Query, target: string, qtype: number) {
    const known = lookups.get(query) ?? new Map<string, Promise<Outcome>>()
    lookups.set(query, known)
    const key = `${lowerName(target)} ${qtype}`
    let lookup = known.get(key)
    if (!lookup) {
      if (!query.budget.spendLookup()) return 'too many'
      lookup = query.lookup(target, qtype)
      known.set(key, lookup)
    }
    const outcome = await lookup
    if (outcome.kind === 'drop') return undefined
    const message = outcome.kind === 'reply' ? outcome.message : undefined
    return { records: message?.answer ?? [], truncated: message?.truncated ?? false }
  }

  const aliasOf = (name: string, service: Service): ResourceRecord | undefined =>
    service.target === undefined ? undefined : record(name, type.CNAME, ttlOf(service), rdata.name(service.target))

  /** The name of a service that is an address: that of its key. */
  function hostOf(service: Service): string | undefined {
    try {
      return nameOfKey(path, service.key)
    } catch (error) {
      if (error instanceof NameError) return undefined
      throw error
    }
  }

  /** Addresses of a target for the additional section, within the question's budget. */
  async function addressesOf(query: Query, zone: string, target: string): Promise<readonly ResourceRecord[]> {
    if (isSubdomain(zone, lowerName(target))) {
      const found = await atTarget(query, zone, target, type.A, []).catch(() => undefined)
      return found?.records ?? []
    }
    const records: ResourceRecord[] = []
    for (const family of [type.A, type.AAAA]) {
      const found = await elsewhere(query, target, family)
      if (found === undefined || found === 'too many') continue
      // The lookup of the first family has added the CNAMEs.
      records.push(...found.records.filter((each) => family === type.A || each.type !== type.CNAME))
    }
    return records
  }

  /** SRV and MX records, with the addresses of their targets. */
  async function targets(
    query: Query,
    zone: string,
    found: readonly Service[],
    rdataTo: (service: Service, target: string) => Uint8Array,
  ): Promise<Answer> {
    const answer: ResourceRecord[] = []
    const additional: ResourceRecord[] = []
    const looked = new Set<string>()
    const seen = new Set<string>()
    const isNew = (key: string): boolean => !seen.has(key) && seen.add(key) !== undefined
    for (const service of found) {
      const { address, target } = service
      if (address) {
        const host = hostOf(service)
        if (host === undefined) continue
        const to = stripped(host, service.targetStrip)
        const number = query.qtype === type.SRV ? service.port : service.priority
        if (isNew(`${to} ${number}`))
          answer.push(record(query.qname, query.qtype, ttlOf(service), rdataTo(service, to)))
        // For MX the address record is at the full name, for SRV at the target.
        const owner = query.qtype === type.SRV ? to : host
        if (isNew(`${owner} at ${service.host}`)) additional.push(addressRecord(owner, ttlOf(service), address))
      } else if (target !== undefined && service.text === '') {
        const to = stripped(target, service.targetStrip)
        answer.push(record(query.qname, query.qtype, ttlOf(service), rdataTo(service, to)))
        if (looked.has(to)) continue
        looked.add(to)
        additional.push(...(await addressesOf(query, zone, to)))
      }
    }
    return { answer, additional, truncated: false }
  }

  function srv(query: Query, zone: string, found: readonly Service[]): Promise<Answer> {
    const weights = new Map<number, number>()
    for (const { priority, weight } of found) weights.set(priority, (weights.get(priority) ?? 0) + (weight || 100))
    return targets(
      query,
      zone,
      found.filter(({ port }) => port !== noPort),
      (service, target) => {
        const share = Math.floor((100 / (weights.get(service.priority) as number)) * (service.weight || 100))
        return rdata.srv({
          priority: service.priority & 0xffff,
          weight: Math.max(1, share & 0xffff),
          port: service.port,
          target,
        })
      },
    )
  }

  const mx = (query: Query, zone: string, found: readonly Service[]): Promise<Answer> =>
    targets(
      query,
      zone,
      found.filter(({ mail }) => mail),
      (service, target) => join(uint16(service.priority & 0xffff), rdata.name(target)),
    )

  function ns(query: Query, found: readonly Service[]): Answer {
    const answer: ResourceRecord[] = []
    const additional: ResourceRecord[] = []
    const seen = new Set<string>()
    for (const service of found) {
      const { address, host } = service
      if (service.text !== '' && !address) continue
      if (!address) throw new Error(`NS record must be an IP address: ${host} (${service.key})`)
      const name = hostOf(service)
      if (name === undefined) continue
      const target = stripped(name, service.targetStrip)
      additional.push(addressRecord(target, ttlOf(service), address))
      if (seen.has(target)) continue
      seen.add(target)
      answer.push(record(query.qname, type.NS, ttlOf(service), rdata.name(target)))
    }
    return { answer, additional, truncated: false }
  }

  function ptr(query: Query, found: readonly Service[]): Answer {
    const seen = new Set<string>()
    return only(
      found.flatMap((service) => {
        const { host, target } = service
        if (target === undefined || seen.has(host)) return []
        seen.add(host)
        return record(query.qname, type.PTR, ttlOf(service), rdata.name(target))
      }),
    )
  }

  return (query, zone) => {
    const { qname, qtype } = query
    const followedAt = (found: readonly Service[] | undefined) =>
      found &&
      followed(query, zone, qname, qtype, found, []).then(({ records, truncated }) => ({ ...only(records), truncated }))
    const whole = services.of.bind(undefined, qname, qtype)
    switch (qtype) {
      case type.A:
      case type.AAAA:
        return followedAt(atName(qname, qtype, zone))
      case type.TXT:
        return followedAt(whole())
      case type.SRV:
        return ifFound(whole(), (found) => srv(query, zone, found))
      case type.MX:
        return ifFound(whole(), (found) => mx(query, zone, found))
      case type.PTR:
        return ifFound(whole('exact'), async (found) => ptr(query, found))
      case type.CNAME:
        return ifFound(whole('exact'), async ([service]) => {
          const alias = service && aliasOf(qname, service)
          return only(alias ? [alias] : [])
        })
      case type.NS:
        if (query.name === zone)
          return ifFound(services.of(below('ns.dns', zone), qtype), async (found) => ns(query, found))
        break
    }
    return ifFound(atName(qname, qtype, zone), async () => only([]))
  }
}

const only = (answer: readonly ResourceRecord[]): Answer => ({ answer, additional: [], truncated: false })

const ifFound = (
  found: readonly Service[] | undefined,
  make: (found: readonly Service[]) => Promise<Answer>,
): Promise<Answer> | undefined => found && make(found)

/** The type of a service: an address, a text, or a CNAME. */
function kindOf({ address, text }: Service): number {
  if (address) return address.length === 4 ? type.A : type.AAAA
  return text === '' ? type.CNAME : type.TXT
}

const contentOf = ({ address, host, text }: Service): string => (address ? host : text)

const rdataOf = ({ address, text }: Service): Uint8Array => address ?? rdata.txt(charactersOf(text))

/** At least one string, of 255 octets at most (RFC 1035 §3.3). */
function charactersOf(text: string): Uint8Array[] {
  const octets = Buffer.from(text, 'utf8')
  const strings: Uint8Array[] = []
  for (let at = 0; at === 0 || at < octets.length; at += 255) strings.push(octets.subarray(at, at + 255))
  return strings
}

/** The target without its first labels; unchanged where it has no more than these. */
function stripped(name: string, labels: number): string {
  const all = labelsOf(name)
  return labels < 1 || labels >= all.length ? name : `${all.slice(labels).join('.')}.`
}

/**
 * A CNAME to the name itself or below it (a lookup of the name finds those keys, too), or one that was followed before.
 */
function isInLoop(name: string, alias: ResourceRecord, before: readonly ResourceRecord[]): boolean {
  const target = lowerName(readName(alias.rdata))
  if (isSubdomain(lowerName(name), target) || before.length > maxChain) return true
  return before.some((each) => lowerName(readName(each.rdata)) === target)
}
