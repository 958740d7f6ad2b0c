/** Estimates the octets of the answer table that the records of a node take, without the node's own overhead. */

import type { AnswerSpec, NodeSpec } from '../../../table/spec.ts'

/** Type, class, TTL, length and an offset. */
const recordOctets = 16
/** Priority, weight, port and an index. */
const serviceOctets = 8

export function nodeOctets({ answers }: NodeSpec): number {
  let octets = 0
  for (const answer of answers.values()) octets += answerOctets(answer)
  return octets
}

function answerOctets(answer: AnswerSpec): number {
  switch (answer.kind) {
    case 'addresses':
      return answer.addresses.length
    case 'services':
      return answer.targets.reduce(
        (sum, { name, a, aaaa }) => sum + name.length + a.length + aaaa.length + recordOctets,
        answer.records.length * serviceOctets,
      )
    case 'records':
      return [...answer.answer, ...answer.additional].reduce(
        (sum, { owner, rdata }) => sum + owner.length + rdata.length + recordOctets,
        0,
      )
    case 'variants':
      return answer.variants.reduce((sum, variant) => sum + answerOctets(variant.answer), 0)
    default:
      return 0
  }
}
