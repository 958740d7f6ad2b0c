/** Which service has which alias (`slicedns.io/alias`). Kept beside the cluster: names are looked up per query. */

import { labelsOf } from '../../../dns/name.ts'
import type { ClusterView, Service } from '../../../k8s/model/types.ts'
import type { Problem } from '../../annotations/parsed.ts'
import type { AnnotationReader } from '../../annotations/reader.ts'
import type { Aliases, Claimant, ClusterContext } from '../../context.ts'
import { isKnown, isShown } from '../../lookup/visibility.ts'
import { serviceName } from '../../names/cluster-name.ts'
import type { ClusterDnsSettings } from '../../settings.ts'
import { byText, insert, remove } from '../sorted-list.ts'
import { aliasZoneOf, homeZone, openZones, ruleAgainst } from './rules.ts'

const noAliases: Aliases = {
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
  const byService = new Map<string, { readonly claimant: Claimant; readonly aliases: readonly string[] }>()
  const byAlias = new Map<string, Claimant[]>()
  /** Undefined until the cluster has been read. */
  let dirty: Map<string, readonly [namespace: string, name: string]> | undefined

  function index(key: string, service: Service | undefined): void {
    const before = byService.get(key)
    byService.delete(key)
    for (const alias of before?.aliases ?? []) {
      const claimants = byAlias.get(alias)!
      remove(claimants, before!.claimant, byAge)
      if (claimants.length === 0) byAlias.delete(alias)
    }
    const wanted = (service && annotations.service(service).aliases) ?? []
    const aliases = wanted.filter((alias) => ruleAgainst(settings, alias) === undefined)
    if (!service || aliases.length === 0) return
    const { namespace, name, createdAt } = service
    const claimant = { namespace, name, createdAt }
    byService.set(key, { claimant, aliases })
    for (const alias of aliases) {
      const claimants = byAlias.get(alias) ?? []
      insert(claimants, claimant, byAge)
      byAlias.set(alias, claimants)
    }
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
      return byService.get(`${namespace}/${name}`)?.aliases ?? []
    },
    claimants(alias) {
      refresh()
      return byAlias.get(alias) ?? []
    },
  }
}

const byAge = (a: Claimant, b: Claimant): number =>
  a.createdAt - b.createdAt || byText(a.namespace, b.namespace) || byText(a.name, b.name)

/** The service that has the alias: the oldest of those that are shown. */
export function ownerOf(context: ClusterContext, alias: string): Service | undefined {
  // Before all are known, a service could have what is an older one's.
  if (!isKnown(context.view, 'services')) return undefined
  const oldest = context.aliases.claimants(alias).find(({ namespace }) => isShown(context, namespace))
  return oldest && context.view.service(oldest.namespace, oldest.name)
}

/** Those that want the alias and do not get it, oldest first. */
export function rivalsOf(context: ClusterContext, alias: string): readonly Claimant[] {
  const owner = ownerOf(context, alias)
  return context.aliases
    .claimants(alias)
    .filter(
      ({ namespace, name }) => isShown(context, namespace) && !(namespace === owner?.namespace && name === owner.name),
    )
}

/** A name in a zone for aliases. */
export interface AliasName {
  readonly zone: string
  /** Undefined when no service has it. */
  readonly alias: { readonly name: string; readonly service: Service; readonly own: string } | undefined
}

/**
 * What `name` (lower case) is in the zones for aliases; undefined outside of them. Below an alias are the names of its
 * ports (`_port._proto`), and others that begin with an underscore; `own` is what the service calls the same.
 */
export function aliasAt(context: ClusterContext, name: string): AliasName | undefined {
  const { aliases, settings } = context
  if (aliases.zones.length === 0) return undefined
  const zone = aliasZoneOf(settings, aliases.zones, name)
  if (zone === undefined) return undefined
  const labels = labelsOf(name)
  let left = 0
  while (left < labels.length && left < 3 && labels[left]!.startsWith('_')) left++
  const alias = `${labels.slice(left).join('.')}.`
  const service = ownerOf(context, alias)
  return { zone, alias: service && { name: alias, service, own: ownName(context, service, labels.slice(0, left)) } }
}

export const ownName = ({ aliases }: ClusterContext, { namespace, name }: Service, left: readonly string[]): string =>
  [...left, serviceName(namespace, name, aliases.home)].join('.')

/** What is wrong with a service's aliases beyond their text. `prefix`: what annotation keys begin with. */
export function problemsOfAliases(context: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  const { settings, annotations } = context
  const { aliases = [] } = annotations.service(service)
  return aliases.flatMap((alias): Problem | readonly [] => {
    const rule = ruleAgainst(settings, alias) ?? ruleOfConflict(context, service, alias)
    return rule === undefined ? [] : { key: `${prefix}/alias`, reason: 'refused', rule }
  })
}

function ruleOfConflict(context: ClusterContext, service: Service, alias: string): string | undefined {
  const owner = ownerOf(context, alias)
  if (!owner || (owner.namespace === service.namespace && owner.name === service.name)) return undefined
  const why = owner.createdAt < service.createdAt ? 'which is older' : 'which is as old, and first by its name'
  return `${alias} is an alias of Service ${owner.namespace}/${owner.name}, ${why}`
}
