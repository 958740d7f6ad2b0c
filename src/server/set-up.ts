/** Sets up the plugins of one server block, one after the other. */

import type { ServerKey } from '../corefile/index.ts'
import type { Directive } from '../corefile/schema.ts'
import { extendedErrors } from '../plugin/capabilities/extended-errors.ts'
import { everyClass, listenAddresses, takesUpdates } from '../plugin/capabilities/listening.ts'
import { metadataScope, metadataSource } from '../plugin/capabilities/metadata.ts'
import { queryObserver } from '../plugin/capabilities/query-observer.ts'
import { rootFolder } from '../plugin/capabilities/root-folder.ts'
import { viewFilter } from '../plugin/capabilities/view.ts'
import { type Capability, capabilityOf } from '../plugin/capability.ts'
import type { BlockFacts, BlockPlugin, Plugin, Provider } from '../plugin/contract.ts'
import { defaultPolicy } from '../plugin/extended-error.ts'
import type { Query } from '../plugin/query.ts'
import { type Block, type BlockObserver, serverLabel } from './block.ts'
import { linkChain } from './chain.ts'
import { combineEffects } from './gate.ts'

/** A server block whose settings have been read. */
export interface ReadBlock {
  readonly keys: readonly ServerKey[]
  readonly zones: readonly string[]
  readonly settings: readonly { readonly plugin: Plugin; readonly directive: Directive; readonly settings: unknown }[]
  readonly directives: readonly string[]
}

/** A block while its plugins are set up: `facts` shows those already set up. */
export interface BlockDraft {
  readonly facts: BlockFacts
  add(plugin: BlockPlugin): void
  finish(): Block
}

export function draftBlock(block: ReadBlock, corefile: string): BlockDraft {
  const plugins: BlockPlugin[] = []
  const facts = createFacts(block, corefile, plugins)
  return {
    facts,
    add: (plugin) => void plugins.push(plugin),
    finish() {
      const links = plugins.flatMap(({ plugin, instance: { handler } }) => (handler ? [{ plugin, handler }] : []))
      return {
        facts,
        zones: block.zones,
        plugins,
        chain: links.length > 0 ? linkChain(links) : undefined,
        view: facts.capability(viewFilter),
        isView: facts.capability(viewFilter) !== undefined,
        isLeftToRules: facts.capability(viewFilter)?.clients !== undefined,
        metadataOf: metadataReader(facts),
        observers: observersAmong(plugins),
        maxPayload: combineEffects(plugins).maxPayload || undefined,
        extendedErrors: facts.capability(extendedErrors) ?? defaultPolicy,
        everyClass: facts.capability(everyClass) ?? false,
        takesUpdates: facts.capability(takesUpdates) ?? false,
      }
    },
  }
}

/** `plugins` grows while the block is set up. */
function createFacts(block: ReadBlock, corefile: string, plugins: readonly BlockPlugin[]): BlockFacts {
  const [key] = block.keys
  function capabilities<T>(capability: Capability<T>): Provider<T>[] {
    return plugins.flatMap(({ plugin, instance }) => {
      const value = capabilityOf(instance, capability)
      return value === undefined ? [] : [{ plugin, value }]
    })
  }
  const addresses = (): readonly string[] => capabilities(listenAddresses).flatMap(({ value }) => value)
  return {
    zones: block.zones,
    port: key?.port ?? 0,
    corefile,
    directives: block.directives,
    plugins,
    capability: (capability) => capabilities(capability)[0]?.value,
    capabilities,
    get root() {
      return capabilities(rootFolder)[0]?.value ?? process.cwd()
    },
    get addresses() {
      return addresses()
    },
    get servers() {
      const bound = addresses()
      const labels = block.keys.flatMap(({ scheme, port }) =>
        (bound.length > 0 ? bound : ['']).map((address) => serverLabel(scheme, address, port)),
      )
      return [...new Set(labels)]
    },
  }
}

/** Each value is computed only when its label is requested. */
function metadataReader(facts: BlockFacts): (query: Query) => Query['metadata'] {
  const scope = facts.capability(metadataScope)
  if (!scope) return () => undefined
  const sources = facts.capabilities(metadataSource)
  return (query) => {
    if (!scope.covers(query.name)) return undefined
    const read = (label: string): string | undefined => {
      const reading = { ...query, metadata: read }
      for (const { value } of sources) {
        const found = value.valueOf(reading, label)
        if (found !== undefined) return found
      }
      return undefined
    }
    return read
  }
}

function observersAmong(plugins: readonly BlockPlugin[]): BlockObserver[] {
  return plugins.flatMap(({ plugin, instance }, position) => {
    const value = capabilityOf(instance, queryObserver)
    if (!value) return []
    return [{ plugin, value, precedes: new Set(plugins.slice(position + 1).map((later) => later.plugin)) }]
  })
}
