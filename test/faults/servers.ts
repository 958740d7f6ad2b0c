/** The servers that the faults happen to: slicedns as built, and the real CoreDNS with the same Corefile. */
import { peer } from '../support/peers.ts'
import { type Ports, type RunningServer, type ServerOptions, startServer } from '../support/server.ts'

export const serverNames = ['slicedns', 'coredns'] as const
export type ServerName = (typeof serverNames)[number]

export interface CorefileParts {
  /** undefined: the service account of the pod. */
  readonly kubeconfig: string | undefined
  /** `ADDRESS:PORT` of each. */
  readonly upstreams: readonly string[]
  /** The file that slicedns keeps its snapshot in. */
  readonly snapshot: string
  /** `plain` is `cache 30`, as EKS, AKS and k3s ship it; kubeadm keeps the cluster's names out of it. */
  readonly cache: 'plain' | 'kubeadm'
  /** Makes each Corefile another. */
  readonly comment: string
  /** One more line of the block. */
  readonly line?: string
  /** One more option of `kubernetes`. */
  readonly option?: string
}

const cacheLines: Readonly<Record<CorefileParts['cache'], string>> = {
  plain: 'cache 30',
  kubeadm: `cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }`,
}

/** CoreDNS gets it without what it does not know: `snapshot`. */
export const corefileOf =
  (name: ServerName, { kubeconfig, upstreams, snapshot, cache, comment, line = '', option = '' }: CorefileParts) =>
  ({ dns, health, ready, metrics }: Ports): string =>
    `# ${comment}
.:${dns} {
    bind 127.0.0.1
    errors
    health 127.0.0.1:${health}
    ready 127.0.0.1:${ready}
    prometheus 127.0.0.1:${metrics}
    ${line}
    kubernetes cluster.local {
        ${kubeconfig === undefined ? '' : `kubeconfig ${kubeconfig}`}
        ttl 0
        ${name === 'slicedns' ? `snapshot ${snapshot}` : ''}
        ${option}
    }
    forward . ${upstreams.join(' ')} {
        policy round_robin
        failover SERVFAIL
    }
    ${cacheLines[cache]}
    loadbalance
}
`

/** Resolves when it is ready; CoreDNS, when it answers. */
export async function startTestServer(
  name: ServerName,
  options: Pick<ServerOptions, 'corefile' | 'ports' | 'env' | 'under'>,
): Promise<RunningServer> {
  if (name === 'slicedns') return startServer({ ...options, waitFor: 'ready' })
  const program = peer('coredns')
  if (program === undefined) throw new Error('coredns not found: run test/support/peers/build.sh')
  const server = await startServer({ ...options, waitFor: 'nothing', command: [program] })
  try {
    // It waits for the cluster by itself, for five seconds at most, and prints this when it answers.
    await server.printed(/^CoreDNS-\d/m)
  } catch (error) {
    await server.stop('SIGKILL')
    throw error
  }
  return server
}
