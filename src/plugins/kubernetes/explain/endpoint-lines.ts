/** Lines of `slicedns explain` about the endpoints of a service, ready ones first. */
import { isReady } from '../../../cluster-dns/lookup/endpoints.ts'
import { type TargetName, targetNames } from '../../../k8s/model/target-names.ts'
import { type EndpointSlice, endpointFlag } from '../../../k8s/model/types.ts'
import { addressText } from '../report/endpoints.ts'
import { listed, maxListed } from './listed.ts'

/** `ready: 10.0.0.1 (llm-0 on worker-a), 10.0.0.2 (llm-1 on worker-b)` and `not ready: …`, each where there are any. */
export function endpointLines(slices: readonly EndpointSlice[]): string[] {
  const ready: string[] = []
  const others: string[] = []
  let readyCount = 0
  let otherCount = 0
  for (const slice of slices) {
    const targets = targetNames(slice.targets, slice.count)
    for (let index = 0; index < slice.count; index++) {
      const isAnswered = isReady(slice, index)
      const texts = isAnswered ? ready : others
      if (isAnswered) readyCount++
      else otherCount++
      if (texts.length < maxListed) texts.push(endpointText(slice, index, targets[index]))
    }
  }
  return [
    ...(readyCount > 0 ? [`ready: ${listed(ready, readyCount)}`] : []),
    ...(otherCount > 0 ? [`not ready: ${listed(others, otherCount)}`] : []),
  ]
}

function endpointText(slice: EndpointSlice, index: number, { pod, node }: TargetName): string {
  const names = [...new Set([slice.hostnames?.[index], pod])].filter(Boolean)
  const place = node === '' ? '' : `on ${node}`
  const who = [names.join(', '), place].filter(Boolean).join(' ')
  const notes = [...[who, slice.zones?.[index]].filter(Boolean), ...states(slice.flags[index])]
  return `${addressText(slice, index)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`
}

/** A terminating pod may still serve the connections that it has. */
function states(flags: number): string[] {
  if ((flags & endpointFlag.terminating) === 0) return []
  return [(flags & endpointFlag.serving) === 0 ? 'terminating' : 'terminating, still serving']
}
