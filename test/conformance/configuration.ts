/** What a configuration of the cluster is: a Corefile for both servers, and what is asked besides. */
import type { KubernetesObject } from './objects.ts'
import type { Ask } from './queries.ts'

export interface Places {
  readonly port: number
  readonly kubeconfig: string
  readonly upstream: string
  /** Of another cluster (two-clusters.ts). */
  readonly otherKubeconfig?: string
}

export interface Configuration {
  readonly name: string
  readonly zone: string
  /** A name that is answered once the cluster has been read. */
  readonly settledName: string
  /** Whether its answers have to come from the data plane (data-plane.ts). */
  readonly fast?: boolean
  corefile(places: Places): string
  /** How many clusters it is about; 1 when absent. */
  readonly clusters?: 2
  /** Questions besides those about the zone. */
  readonly more?: (objects: readonly KubernetesObject[]) => Ask[]
  /** Whether every question is asked. Otherwise a fifth is, another one by each configuration. */
  readonly whole?: boolean
  /** Whether other plugins change its answers: what docs/differences.md says of those holds, too. */
  readonly combined?: boolean
  /** Zones whose transfers are compared (transfers.ts). */
  readonly transfers?: readonly string[]
}

export interface Parts {
  readonly zones?: string
  readonly options?: readonly string[]
  readonly plugins?: readonly string[]
  /** Nothing comes after `kubernetes`, and no other class than IN is let in. */
  readonly alone?: boolean
}

export const block = (
  { port, kubeconfig, upstream }: Places,
  { zones = 'cluster.local in-addr.arpa ip6.arpa', options = [], plugins = [], alone = false }: Parts,
) => `
.:${port} {
    errors
    kubernetes ${zones} {
        kubeconfig ${kubeconfig}
        ${options.join('\n        ')}
    }
    ${alone ? '' : `forward . ${upstream}`}
    ${plugins.join('\n    ')}
}
`

export const configuration = (name: string, parts: Parts, zone = 'cluster.local.'): Configuration => ({
  name,
  zone,
  settledName: `web.apps.svc.${zone}`,
  corefile: (places) => block(places, parts),
})
