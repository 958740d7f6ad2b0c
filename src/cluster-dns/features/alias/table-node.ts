/** What a service's aliases answer from the table: the same as its own names, in a zone of their own. */
import type { Service } from '../../../k8s/model/types.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import type { ClusterContext } from '../../context.ts'
import { absoluteName } from '../../names/cluster-name.ts'
import { compileNode, namesOfService } from '../../records/table-node.ts'
import { ownName } from './claims.ts'

/** The names that are compiled ahead at and below an alias, with the service's own names that they stand for. */
export function aliasNames(context: ClusterContext, alias: string, service: Service): Map<string, string> {
  const own = ownName(context, service, [])
  const ownNames = namesOfService(context, context.aliases.home, service)
  // The table leaves the ports of a headless service to first use; an alias is taken to be used.
  for (const { name, protocol } of service.headless ? service.ports : []) {
    if (name !== '') ownNames.push(`_${name}._${protocol}.${own}`)
  }
  const names = new Map(ownNames.map((name) => [`${name.slice(0, -own.length)}${alias}`, name]))
  for (const name of names.keys()) if (absoluteName(name) === undefined) names.delete(name)
  return names
}

/** The node of an alias in `zone` that stands for `own`; undefined while there is nothing there. */
export function aliasNode(context: ClusterContext, zone: string, own: string): NodeSpec | undefined {
  const node = compileNode(context, context.aliases.home, own)
  // Below an alias are names that nobody has asked for yet.
  return node && { ...node, zone, below: 'open' }
}
