/** Which service has which alias (`slicedns.io/alias`). Kept beside the cluster: names are looked up per query. */
import type { ClusterView, Service } from '../cluster/types.ts'
import { labelsOf } from '../dns/name.ts'
import { aliasZoneOf, homeZone, openZones, ruleAgainst } from './alias-rules.ts'
import type { Problem } from './annotations/parsed.ts'
import type { AnnotationReader } from './annotations/read.ts'
import { serviceName } from './place.ts'
import type { ClusterDnsSettings, Knowledge } from './settings.ts'
import { isKnown, isShown } from './visible.ts'

export interface Aliases {
  /** The zones that aliases can be in. */
  readonly zones: readonly string[]
  /** The zone of services' own names. */
  readonly home: string
  /** The service, or what it is annotated with, has changed. */
  changed(namespace: string, name: string): void
  /** Aliases that the service claims, those that it does not get too. */
  claimedBy(namespace: string, name: string): readonly string[]
  /** Services that claim the alias, in no order. */
  claimants(alias: string): readonly Service[]
}

export const noAliases: Aliases = {
  zones: [],
  home: '.',
  changed() {},
  claimedBy: () => [],
  claimants: () => [],
}

/** Reads the whole cluster when it is first asked, and from then on what has changed. */
export function createAliases(view: ClusterView, settings: ClusterDnsSettings, annotations: AnnotationReader): Aliases {
  const zones = openZones(settings)
  const home = homeZone(settings)
  if (zones.length === 0 || home === undefined) return noAliases
  const byService = new Map<string, readonly string[]>()
  const byAlias = new Map<string, Set<string>>()
  /** Undefined until the cluster has been read. */
  let dirty: Map<string, readonly [namespace: string, name: string]> | undefined

  function index(key: string, service: Service | undefined): void {
    for (const alias of byService.get(key) ?? []) {
      const keys = byAlias.get(alias)
      keys?.delete(key)
      if (keys?.size === 0) byAlias.delete(alias)
    }
    const { aliases = [] } = service ? annotations.service(service) : {}
    const claimed = aliases.filter((alias) => ruleAgainst(settings, alias) === undefined)
    if (claimed.length === 0) byService.delete(key)
    else byService.set(key, claimed)
    for (const alias of claimed) byAlias.set(alias, (byAlias.get(alias) ?? new Set()).add(key))
  }

  function refresh(): void {
    if (!dirty) {
      for (const service of view.services()) index(`${service.namespace}/${service.name}`, service)
      dirty = new Map()
    }
    for (const [key, [namespace, name]] of dirty) index(key, view.service(namespace, name))
    dirty.clear()
  }

  return {
    zones,
    home,
    changed(namespace, name) {
      dirty?.set(`${namespace}/${name}`, [namespace, name])
    },
    claimedBy(namespace, name) {
      refresh()
      return byService.get(`${namespace}/${name}`) ?? []
    },
    claimants(alias) {
      refresh()
      return [...(byAlias.get(alias) ?? [])].flatMap((key) => {
        const [namespace, name] = key.split('/')
        return view.service(namespace!, name!) ?? []
      })
    },
  }
}

/** The oldest first; of the same second, in the order of their names. */
const byAge = (a: Service, b: Service): number =>
  a.createdAt - b.createdAt || compare(a.namespace, b.namespace) || compare(a.name, b.name)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The service that has the alias: the oldest of those that are shown. */
export function ownerOf(knowledge: Knowledge, alias: string): Service | undefined {
  // Before all are known, a service could have what is an older one's.
  if (!isKnown(knowledge.view, 'services')) return undefined
  const claimants = knowledge.aliases.claimants(alias).filter(({ namespace }) => isShown(knowledge, namespace))
  return claimants.reduce<Service | undefined>((a, b) => (a === undefined || byAge(b, a) < 0 ? b : a), undefined)
}

/** Those that want the alias and do not get it, oldest first. */
export function rivalsOf(knowledge: Knowledge, alias: string): Service[] {
  const owner = ownerOf(knowledge, alias)
  return knowledge.aliases
    .claimants(alias)
    .filter((service) => service !== owner)
    .sort(byAge)
}

/** A name in a zone for aliases. */
export interface AliasPlace {
  readonly zone: string
  /** Undefined when no service has it. */
  readonly alias: { readonly name: string; readonly service: Service; readonly own: string } | undefined
}

/**
 * What `name` (lower case) is in the zones for aliases; undefined outside of them. Below an alias are the names of its
 * ports (`_port._proto`), and others that begin with an underscore; `own` is what the service calls the same.
 */
export function aliasAt(knowledge: Knowledge, name: string): AliasPlace | undefined {
  const { aliases, settings } = knowledge
  if (aliases.zones.length === 0) return undefined
  const zone = aliasZoneOf(settings, aliases.zones, name)
  if (zone === undefined) return undefined
  const labels = labelsOf(name)
  let left = 0
  while (left < labels.length && left < 3 && labels[left]!.startsWith('_')) left++
  const alias = `${labels.slice(left).join('.')}.`
  const service = ownerOf(knowledge, alias)
  return { zone, alias: service && { name: alias, service, own: ownName(knowledge, service, labels.slice(0, left)) } }
}

export const ownName = ({ aliases }: Knowledge, { namespace, name }: Service, left: readonly string[]): string =>
  [...left, serviceName(namespace, name, aliases.home)].join('.')

/** What is wrong with a service's aliases beyond their text. `prefix`: what annotation keys begin with. */
export function problemsOfAliases(knowledge: Knowledge, service: Service, prefix: string): readonly Problem[] {
  const { settings, annotations } = knowledge
  const { aliases = [] } = annotations.service(service)
  return aliases.flatMap((alias): Problem | readonly [] => {
    const rule = ruleAgainst(settings, alias) ?? ruleOfConflict(knowledge, service, alias)
    return rule === undefined ? [] : { key: `${prefix}/alias`, reason: 'refused', rule }
  })
}

function ruleOfConflict(knowledge: Knowledge, service: Service, alias: string): string | undefined {
  const owner = ownerOf(knowledge, alias)
  if (!owner || (owner.namespace === service.namespace && owner.name === service.name)) return undefined
  const why = owner.createdAt < service.createdAt ? 'which is older' : 'which is as old, and first by its name'
  return `${alias} is an alias of Service ${owner.namespace}/${owner.name}, ${why}`
}
