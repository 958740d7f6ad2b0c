/** Example questions for the log at start: one of each kind of service that the cluster has. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import { serviceName } from '../../cluster-dns/names/cluster-name.ts'
import { isMulticluster, isReverseZone } from '../../cluster-dns/settings.ts'
import type { Service } from '../../k8s/model/types.ts'

export function suggestQuestions({ view, settings }: ClusterContext): string[] {
  const questions: string[] = []
  const zone = settings.zones.find((name) => !isReverseZone(name) && !isMulticluster(settings, name))
  if (zone === undefined) return []
  const first = (test: (service: Service) => boolean, ask: (name: string, service: Service) => string): void => {
    for (const service of view.services()) {
      if (!test(service)) continue
      questions.push(ask(serviceName(service.namespace, service.name, zone), service))
      return
    }
  }
  first(
    (service) => service.clusterIPs.length > 0,
    (name) => `${name} A`,
  )
  first(
    (service) => service.headless && view.slices(service.namespace, service.name).length > 0,
    (name) => `${name} A`,
  )
  first(
    ({ ports, headless }) => headless && ports.some((port) => port.name !== ''),
    (name, { ports }) => {
      const port = ports.find((candidate) => candidate.name !== '')!
      return `_${port.name}._${port.protocol}.${name} SRV`
    },
  )
  first(
    (service) => service.type === 'ExternalName',
    (name) => `${name} CNAME`,
  )
  return questions
}
