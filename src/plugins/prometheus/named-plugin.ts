import type { BlockFacts } from '../../plugin/contract.ts'

/**
 * The plugin that CoreDNS names in `coredns_dns_responses_total`: always the next one after `prometheus` in the chain,
 * whichever plugin writes the reply (docs/coredns-behaviour.md §8). '' if no plugin follows.
 */
export function namedPlugin({ plugins }: BlockFacts): string {
  const at = plugins.findIndex(({ plugin }) => plugin === 'prometheus')
  return plugins.slice(at + 1).find(({ instance }) => instance.handler)?.plugin ?? ''
}
