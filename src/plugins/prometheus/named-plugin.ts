import type { BlockFacts } from '../../plugin/contract.ts'

/**
 * The plugin that CoreDNS names in `coredns_dns_responses_total`: whoever writes the reply, it is the one behind `prometheus` in
 * the chain, whose writer is the one that it looks at (docs/coredns-behaviour.md §8). '' where none is.
 */
export function namedPlugin({ plugins }: BlockFacts): string {
  const at = plugins.findIndex(({ plugin }) => plugin === 'prometheus')
  return plugins.slice(at + 1).find(({ instance }) => instance.handler)?.plugin ?? ''
}
