/** The plugin's metadata of a query (docs/coredns-behaviour.md §4.8): about the query name, and the client's pod. */
import type { ClusterContext } from '../../cluster-dns/context.ts'
import { type ClusterName, grammarOf, parseClusterName } from '../../cluster-dns/names/cluster-name.ts'
import { isReverseZone, zoneOf } from '../../cluster-dns/settings.ts'
import type { Pod } from '../../k8s/model/types.ts'
import type { MetadataSource } from '../../plugin/capabilities/metadata.ts'

const prefix = 'kubernetes/'
const podLabel = 'client-label/'

export function createMetadata(context: () => ClusterContext): MetadataSource {
  return {
    valueOf({ name, client }, label) {
      if (!label.startsWith(prefix)) return undefined
      const wanted = label.slice(prefix.length)
      if (wanted.startsWith('client-')) return ofClient(context(), client.address, wanted)
      return ofName(context(), name, wanted) || undefined
    },
  }
}

/**
 * A terminating pod may have released its address already, and pods on the host's network share theirs: there is a
 * value only where all pods that may have asked agree.
 */
function ofClient({ view }: ClusterContext, address: string, label: string): string | undefined {
  const pods = view.podsByIP(address).filter(({ terminating }) => !terminating)
  const [value, ...others] = new Set(pods.map((pod) => podFact(pod, label)))
  return others.length === 0 ? value : undefined
}

function podFact({ namespace, name, labels }: Pod, label: string): string | undefined {
  if (label === 'client-namespace') return namespace
  if (label === 'client-pod-name') return name
  const key = label.startsWith(podLabel) ? label.slice(podLabel.length) : ''
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}

function ofName({ settings }: ClusterContext, name: string, label: string): string | undefined {
  const zone = zoneOf(settings, name)
  if (zone === undefined) return undefined
  const facts = isReverseZone(zone) ? invalid : factsOf(parseClusterName(zone, name, grammarOf(settings, zone)))
  return Object.hasOwn(facts, label) ? facts[label] : undefined
}

const invalid: Readonly<Record<string, string>> = { 'parse-error': 'invalid query name' }

function factsOf(name: ClusterName): Readonly<Record<string, string>> {
  switch (name.kind) {
    case 'apex':
      return {}
    case 'tree':
      return { kind: name.tree }
    case 'namespace':
      return { kind: name.tree, namespace: name.namespace }
    case 'pod':
      return { kind: 'pod', namespace: name.namespace, service: name.label }
    case 'service':
      return {
        kind: 'svc',
        namespace: name.namespace,
        service: name.service,
        endpoint: name.endpoint,
        'port-name': name.port,
        protocol: name.protocol,
        zone: name.topology?.zone ?? '',
      }
    default:
      return invalid
  }
}
