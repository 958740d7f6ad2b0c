/** The table's nodes at a service's aliases: the same answers as at its own names, in the alias zone. */
import type { Service } from '../../../k8s/model/types.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import type { ClusterContext } from '../../context.ts'
import { absoluteName } from '../../names/cluster-name.ts'
import { compileNode, namesOfService } from '../../records/table-node.ts'
import { ownName } from './claims.ts'

/** The names that are compiled ahead at and below an alias, by the service's own names that they stand for. */
export function aliasNames(context: ClusterContext, alias: string, service: Service): Map<string, string> {
  const own = ownName(context, service, [])
  const ownNames = namesOfService(context, context.aliases.home, service)
  // The table compiles the ports of a headless service on first use, but those of an alias ahead.
  for (const { name, protocol } of service.headless ? service.ports : []) {
    if (name !== '') ownNames.push(`_${name}._${protocol}.${own}`)
  }
  const names = new Map(ownNames.map((name) => [`${name.slice(0, -own.length)}${alias}`, name]))
  for (const name of names.keys()) if (absoluteName(name) === undefined) names.delete(name)
  return names
}

/** The node of an alias in `zone` that stands for `own`; undefined when `own` does not exist. */
export function aliasNode(context: ClusterContext, zone: string, own: string): NodeSpec | undefined {
  const node = compileNode(context, context.aliases.home, own)
  // Names below an alias are compiled on first use.
  return node && { ...node, zone, below: 'open' }
}
