/** What a service's aliases answer from the table: the same as its own names, in a zone of their own. */
import type { Service } from '../../../k8s/model/types.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import type { Knowledge } from '../../context.ts'
import { compileNode, namesOfService } from '../../records/table-node.ts'
import { absoluteName } from '../../names/cluster-name.ts'
import { ownName } from './claims.ts'

/** The names that are compiled ahead at and below an alias, with the service's own names that they stand for. */
export function aliasNames(knowledge: Knowledge, alias: string, service: Service): Map<string, string> {
  const own = ownName(knowledge, service, [])
  const ownNames = namesOfService(knowledge, knowledge.aliases.home, service)
  // The table leaves the ports of a headless service to first use; an alias is taken to be used.
  for (const { name, protocol } of service.headless ? service.ports : []) {
    if (name !== '') ownNames.push(`_${name}._${protocol}.${own}`)
  }
  const names = new Map(ownNames.map((name) => [`${name.slice(0, -own.length)}${alias}`, name]))
  for (const name of names.keys()) if (absoluteName(name) === undefined) names.delete(name)
  return names
}

/** The node of an alias in `zone` that stands for `own`; undefined while there is nothing there. */
export function aliasNode(knowledge: Knowledge, zone: string, own: string): NodeSpec | undefined {
  const node = compileNode(knowledge, knowledge.aliases.home, own)
  // Below an alias are names that nobody has asked for yet.
  return node && { ...node, zone, below: 'open' }
}
