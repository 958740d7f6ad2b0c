/** kubeadm's default Corefile on a test's ports, for CoreDNS and slicedns alike. */
import type { Ports } from '../../test/support/server.ts'

export interface CorefileSettings {
  readonly kubeconfig: string
  /** `ADDRESS:PORT` to forward the rest to. */
  readonly upstream: string
  /** `kubeadm` keeps cluster names out of the cache; `plain` is `cache 30`, as EKS, AKS and k3s ship it. */
  readonly cache?: 'kubeadm' | 'plain'
  /** Lines of the `kubernetes` block beside kubeadm's. */
  readonly kubernetes?: string
  /** Lines of the block beside kubeadm's. */
  readonly besides?: string
}

export function kubeadmCorefile({
  kubeconfig,
  upstream,
  cache = 'kubeadm',
  kubernetes = '',
  besides = '',
}: CorefileSettings) {
  const options =
    cache === 'plain' ? '' : ' {\n        disable success cluster.local\n        disable denial cluster.local\n    }'
  return ({ dns, health, ready, metrics }: Ports): string => `.:${dns} {
    bind 127.0.0.1
    errors
    health 127.0.0.1:${health} {
        lameduck 0s
    }
    ready 127.0.0.1:${ready}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${kubeconfig}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
        ${kubernetes}
    }
    prometheus 127.0.0.1:${metrics}
    forward . ${upstream} {
        max_concurrent 1000
    }
    cache 30${options}
    loop
    reload
    loadbalance${besides}
}
`
}
