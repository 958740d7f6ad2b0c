/** What is wrong with a service's aliases beyond their text. */
import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import { limitOfAliasNames } from './alias-nodes.ts'
import { ownerOf } from './claims.ts'
import { aliasAnnotation } from './parse.ts'
import { ruleAgainst } from './rules.ts'

export function validateAliases(context: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  const { settings, annotations } = context
  const aliases = annotations.service(service).get(aliasAnnotation) ?? []
  const key = keyOf(aliasAnnotation, prefix)
  const rules = aliases.flatMap(
    (alias) => ruleAgainst(settings, alias) ?? ruleOfConflict(context, service, alias) ?? [],
  )
  const inPart = rules.length < aliases.length
  const refused = rules.map((rule): Problem => ({ key, reason: 'refused', rule, ...(inPart && { inPart }) }))
  const limit = limitOfAliasNames(context, service)
  return limit === undefined ? refused : [...refused, { key, reason: 'advice', rule: limit }]
}

function ruleOfConflict(context: ClusterContext, service: Service, alias: string): string | undefined {
  const owner = ownerOf(context, alias)
  if (!owner || (owner.namespace === service.namespace && owner.name === service.name)) return undefined
  const why = owner.createdAt < service.createdAt ? 'which is older' : 'which is as old and comes first by name'
  return `${alias} is an alias of Service ${owner.namespace}/${owner.name} already, ${why}`
}
