/** Which listeners a configuration needs, and which blocks share each. */

import type { ServerKey } from '../corefile/index.ts'
import type { Scheme } from '../corefile/keys.ts'
import { grpcBounds, type HttpBounds, httpsBounds } from '../plugin/capabilities/http-bounds.ts'
import { connectionTimeouts, mergedTimeouts, udpShards } from '../plugin/capabilities/listening.ts'
import { loadShedding } from '../plugin/capabilities/load-shedding.ts'
import { mergedProxyProtocol, proxyProtocol } from '../plugin/capabilities/proxy-protocol.ts'
import { serverTls } from '../plugin/capabilities/server-tls.ts'
import { type Capability, capabilityOf } from '../plugin/capability.ts'
import { defaultPolicy, silentPolicy } from '../plugin/extended-error.ts'
import { listenerConflicts } from '../plugin/listener-conflicts.ts'
import { type Block, type ListenerPlan, serverLabel } from './block.ts'
import { createRouter } from './routing.ts'

/** A block with its keys. */
export interface KeyedBlock {
  readonly keys: readonly ServerKey[]
  readonly block: Block
}

/** Groups the blocks by scheme, address and port. Throws ConfigError when blocks cannot share a listener. */
export function planListeners(blocks: readonly KeyedBlock[]): ListenerPlan[] {
  const [conflict] = listenerConflicts(
    blocks.map(({ keys, block }) => ({
      keys,
      addresses: boundTo(block),
      tls: block.facts.capability(serverTls)?.policy,
      httpsStreams: block.facts.capability(httpsBounds)?.maxStreams,
    })),
  )
  if (conflict) throw conflict
  const drafts = new Map<string, Draft>()
  for (const { keys, block } of blocks)
    for (const { scheme, port, zones } of keys)
      for (const address of boundTo(block)) draftFor(drafts, { scheme, address, port }).add(block, zones)
  return [...drafts.values()].map((draft) => draft.plan())
}

/** `bind 0.0.0.0` and `bind ::` become one listener: both open both families, as Go does for an unspecified address. */
function boundTo({ facts }: Block): readonly string[] {
  const addresses = facts.addresses.map((address) => (address === '0.0.0.0' || address === '::' ? '' : address))
  return addresses.length > 0 ? [...new Set(addresses)] : ['']
}

interface Draft {
  add(block: Block, zones: readonly string[]): void
  plan(): ListenerPlan
}

/** Each limit from the first block that sets it. */
function httpBoundsOf(scheme: Scheme, allOf: <T>(capability: Capability<T>) => readonly T[]): HttpBounds | undefined {
  if (scheme !== 'https' && scheme !== 'grpc') return undefined
  const all = allOf(scheme === 'https' ? httpsBounds : grpcBounds)
  const first = (bound: keyof HttpBounds) => all.find((bounds) => bounds[bound] !== undefined)?.[bound]
  return { maxConnections: first('maxConnections'), maxStreams: first('maxStreams') }
}

interface ListenerKey {
  readonly scheme: Scheme
  readonly address: string
  readonly port: number
}

function draftFor(drafts: Map<string, Draft>, place: ListenerKey): Draft {
  const id = serverLabel(place.scheme, place.address, place.port)
  const draft = drafts.get(id) ?? createDraft(place)
  drafts.set(id, draft)
  return draft
}

function createDraft({ scheme, address, port }: ListenerKey): Draft {
  const zonesOf = new Map<Block, readonly string[]>()
  return {
    add: (block, zones) => void zonesOf.set(block, [...(zonesOf.get(block) ?? []), ...zones]),
    plan() {
      const blocks = [...zonesOf].map(([block, zones]): Block => ({ ...block, zones }))
      const instances = blocks.flatMap(({ plugins }) => plugins.map(({ instance }) => instance))
      const allOf = <T>(capability: Capability<T>): T[] =>
        instances.flatMap((instance) => capabilityOf(instance, capability) ?? [])
      const server = serverLabel(scheme, address, port)
      return {
        scheme,
        address,
        port,
        server,
        shards: Math.max(1, ...allOf(udpShards)),
        timeouts: mergedTimeouts(allOf(connectionTimeouts)),
        proxyProtocol: mergedProxyProtocol(allOf(proxyProtocol)),
        shedding: allOf(loadShedding)[0]?.(server),
        // Blocks that share a listener have equal settings here.
        tls: scheme === 'dns' ? undefined : allOf(serverTls)[0],
        http: httpBoundsOf(scheme, allOf),
        blocks,
        router: createRouter(blocks, ({ chain }) => chain === undefined),
        everyClass: blocks.some((block) => block.everyClass),
        takesUpdates: blocks.some((block) => block.takesUpdates),
        extendedErrors: blocks.every((block) => block.extendedErrors.off) ? silentPolicy : defaultPolicy,
      }
    },
  }
}
