/** Which service has which alias: an index beside the cluster's model, because names are looked up per query. */

import { labelsOf } from '../../../dns/name.ts'
import type { ClusterView, Service } from '../../../k8s/model/types.ts'
import type { AnnotationReader } from '../../annotations/reader.ts'
import type { Aliases, Claimant, ClusterContext } from '../../context.ts'
import { isKnown, isShown } from '../../lookup/visibility.ts'
import { serviceName } from '../../names/cluster-name.ts'
import { byText, insert, remove } from '../../names/sorted-list.ts'
import type { ClusterDnsSettings } from '../../settings.ts'
import { aliasAnnotation } from './parse.ts'
import { aliasZoneOf, homeZone, openZones, ruleAgainst } from './rules.ts'

const noAliases: Aliases = {
  zones: [],
  home: '.',
  changed() {},
  claimedBy: () => [],
  claimants: () => [],
}

/** Reads the whole cluster on first use, and from then on the services that changed. */
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
    const wanted = (service && annotations.service(service).get(aliasAnnotation)) ?? []
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

/** The service that has the alias: the oldest of the visible ones that claim it. */
export function ownerOf(context: ClusterContext, alias: string): Service | undefined {
  // While services are still missing, an older one may claim it.
  if (!isKnown(context.view, 'services')) return undefined
  const oldest = context.aliases.claimants(alias).find(({ namespace }) => isShown(context, namespace))
  return oldest && context.view.service(oldest.namespace, oldest.name)
}

/** Services that claim the alias and do not have it, oldest first. */
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
 * The alias at or above `name` (lower case); undefined outside of the alias zones. Below an alias are the names of its
 * ports (`_port._proto`) and others that begin with an underscore; `own` is the service's own name for `name`.
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
