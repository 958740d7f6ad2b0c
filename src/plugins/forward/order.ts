import { shuffled } from '../../upstream/random.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import type { ForwardSettings } from './settings.ts'

/** The order in which a query tries the servers. */
export function createOrder(policy: ForwardSettings['policy']): (servers: readonly Upstream[]) => readonly Upstream[] {
  if (policy === 'sequential') return (servers) => servers
  if (policy === 'random') return (servers) => (servers.length > 1 ? shuffled(servers) : servers)
  // As in CoreDNS the first query goes to the second server.
  let turn = 1
  return (servers) => {
    const first = turn++ % Math.max(1, servers.length)
    return [servers[first], ...servers.filter((_, index) => index !== first)].filter((server) => server !== undefined)
  }
}
