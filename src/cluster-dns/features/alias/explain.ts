/** What `slicedns explain` says of a name in an alias zone. */
import type { ClusterContext } from '../../context.ts'
import { aliasAt, rivalsOf } from './claims.ts'

/** Services that get a line each. */
const maxRivals = 10

export function explainAlias(context: ClusterContext, name: string): string[] {
  const result = aliasAt(context, name)
  if (!result) return []
  const { zone, alias } = result
  if (!alias) {
    const isOwnZone = context.settings.zones.includes(zone)
    return isOwnZone ? [] : [`${zone} is an alias zone, and no Service has this alias: goes to the next plugin`]
  }
  const { service, own } = alias
  const rivals = rivalsOf(context, alias.name)
  return [
    `${alias.name} is an alias of Service ${service.namespace}/${service.name} (alias zone ${zone}): answers as ${own}`,
    ...rivals
      .slice(0, maxRivals)
      .map(({ namespace, name }) => `Service ${namespace}/${name} claims this alias too, but is younger`),
    ...(rivals.length > maxRivals ? [`${rivals.length - maxRivals} more Services claim it`] : []),
  ]
}
