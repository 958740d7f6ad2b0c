/** Example questions for the log at start: one of each kind of service that the cluster has. */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import { serviceName } from '../../cluster-dns/names/cluster-name.ts'
import { resolve } from '../../cluster-dns/records/answers.ts'
import { isMulticluster, isReverseZone } from '../../cluster-dns/settings.ts'
import { type } from '../../dns/codes.ts'
import { lowerName } from '../../dns/name.ts'
import type { Service } from '../../k8s/model/types.ts'

const withoutRecords: ReadonlySet<string> = new Set(['nxdomain', 'nodata', 'unknown'])

export function suggestQuestions(context: ClusterContext): string[] {
  const { view, settings } = context
  const questions: string[] = []
  const zone = settings.zones.find((name) => !isReverseZone(name) && !isMulticluster(settings, name))
  if (zone === undefined) return []
  /** A service without ready endpoints, or in a hidden namespace, may have no records. */
  const hasRecords = (name: string, qtype: number): boolean =>
    !withoutRecords.has(resolve(context, zone, lowerName(name), qtype).kind)
  const first = (
    test: (service: Service) => boolean,
    qtype: keyof typeof type,
    nameFor = (name: string, _service: Service): string => name,
  ): void => {
    for (const service of view.services()) {
      if (!test(service)) continue
      const name = nameFor(serviceName(service.namespace, service.name, zone), service)
      if (!hasRecords(name, type[qtype])) continue
      questions.push(`${name} ${qtype}`)
      return
    }
  }
  first((service) => service.clusterIPs.length > 0, 'A')
  first((service) => service.headless && view.slices(service.namespace, service.name).length > 0, 'A')
  first(
    ({ ports, headless }) => headless && ports.some((port) => port.name !== ''),
    'SRV',
    (name, { ports }) => {
      const port = ports.find((candidate) => candidate.name !== '')!
      return `_${port.name}._${port.protocol}.${name}`
    },
  )
  first((service) => service.type === 'ExternalName', 'CNAME')
  return questions
}
