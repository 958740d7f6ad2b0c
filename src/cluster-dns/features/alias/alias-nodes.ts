/** The table's nodes at a service's aliases: the same answers as at its own names, in the alias zone. */
import type { Service } from '../../../k8s/model/types.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import type { ClusterContext } from '../../context.ts'
import { absoluteName } from '../../names/cluster-name.ts'
import { compileNode, namesOfPorts, namesOfService } from '../../records/table-node.ts'
import { ownName } from './claims.ts'

/** Names at and below the aliases of one service that are compiled ahead; the chain answers the others. */
const maxNamesAhead = 512

/** How many names each alias of the service has ahead, itself included. */
const namesAheadOf = ({ aliases }: ClusterContext, { namespace, name }: Service): number =>
  Math.max(1, Math.floor(maxNamesAhead / aliases.claimedBy(namespace, name).length))

/** The names that are compiled ahead at and below an alias, by the service's own names that they stand for. */
export function aliasNames(context: ClusterContext, alias: string, service: Service): Map<string, string> {
  const own = ownName(context, service, [])
  const most = namesAheadOf(context, service)
  const ownNames = namesOfService(context, context.aliases.home, service)
  // The table compiles the ports of a headless service on first use, but those of an alias ahead.
  if (service.headless) ownNames.push(...namesOfPorts(service, own, most))
  const names = new Map(ownNames.slice(0, most).map((name) => [`${name.slice(0, -own.length)}${alias}`, name]))
  for (const name of names.keys()) if (absoluteName(name) === undefined) names.delete(name)
  return names
}

/** Why not all names below the service's aliases are in the table; undefined when they are. */
export function limitOfAliasNames(context: ClusterContext, service: Service): string | undefined {
  const most = namesAheadOf(context, service)
  const ports = service.ports.filter(({ name }) => name !== '').length
  if (context.aliases.claimedBy(service.namespace, service.name).length === 0 || ports < most) return undefined
  return `in effect, but its aliases have ${ports} named ports each: of one Service ${maxNamesAhead} names of aliases are answered from the table, the others are slower`
}

/** The node of an alias in `zone` that stands for `own`; undefined when `own` does not exist. */
export function aliasNode(context: ClusterContext, zone: string, own: string): NodeSpec | undefined {
  const node = compileNode(context, context.aliases.home, own)
  // Names below an alias are compiled on first use.
  return node && { ...node, zone, below: 'open' }
}
