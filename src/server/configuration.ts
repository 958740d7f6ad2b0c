/** From a parsed Corefile to server blocks whose plugins are set up, and the listeners that serve them. */

import { type Corefile, type CorefileBlock, checkDirectives, type ServerKey, serverKeys } from '../corefile/index.ts'
import { readSettings } from '../corefile/read.ts'
import { ConfigError, type Directive, type Position } from '../corefile/schema.ts'
import type { BlockFacts, Instance, Plugin, ProcessState } from '../plugin/contract.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { type Block, type ListenerPlan, serverLabel } from './block.ts'
import { linkChain } from './chain.ts'
import { stopInstances } from './lifecycle.ts'
import { combineEffects } from './publish.ts'
import { createRouter } from './routing.ts'

export interface Configuration {
  readonly blocks: readonly Block[]
  readonly listeners: readonly ListenerPlan[]
}

export interface ConfigurationOptions {
  readonly plugins: readonly Plugin[]
  readonly defaultPort: number
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  readonly process: ProcessState
}

/**
 * Reads every block's settings before it sets up any plugin; should one then fail, those set up are stopped again: a bad
 * file changes nothing. Rejects with ConfigError.
 */
export async function configure(corefile: Corefile, options: ConfigurationOptions): Promise<Configuration> {
  checkDirectives(corefile, options.plugins)
  const read = corefile.blocks.map((block) => readBlock(block, options))
  const instances: Instance[] = []
  try {
    const blocks = setUpBlocks(read, corefile, options, instances)
    return { blocks, listeners: planListeners(read, blocks) }
  } catch (error) {
    await stopInstances(instances, options.log)
    throw error
  }
}

interface ReadBlock {
  readonly keys: readonly ServerKey[]
  readonly zones: readonly string[]
  readonly settings: readonly { readonly plugin: Plugin; readonly directive: Directive; readonly settings: unknown }[]
  readonly words: readonly string[]
}

function readBlock(block: CorefileBlock, options: ConfigurationOptions): ReadBlock {
  const keys = serverKeys(block.keys, options.defaultPort)
  const zones = [...new Set(keys.flatMap((key) => key.zones))]
  const settings = options.plugins.flatMap((plugin) => {
    const occurrences = block.directives.filter((directive) => directive.word === plugin.name)
    const first = occurrences[0]
    if (!first) return []
    return [{ plugin, directive: first, settings: readSettings(plugin.schema, occurrences, zones) }]
  })
  return { keys, zones, settings, words: block.directives.map((directive) => directive.word) }
}

/**
 * Directive by directive over all blocks, in chain order, as CoreDNS does: it decides which error is told first. Adds
 * each instance to `instances` as soon as there is one.
 */
function setUpBlocks(
  read: readonly ReadBlock[],
  corefile: Corefile,
  options: ConfigurationOptions,
  instances: Instance[],
): Block[] {
  const drafts = read.map((block) => createDraft(block, corefile))
  for (const plugin of options.plugins)
    read.forEach((block, index) => {
      const found = block.settings.find((entry) => entry.plugin === plugin)
      const draft = drafts[index]
      if (!found || !draft) return
      const { directive } = found
      const instance = plugin.setup(found.settings, {
        directive,
        block: draft.facts,
        log: options.log.plugin(plugin.name),
        metrics: options.metrics,
        clock: options.clock,
        process: options.process,
        fail: (message: string, position?: Position): never => {
          throw new ConfigError(`plugin/${plugin.name}: ${message}`, position ?? directive.at)
        },
      })
      instances.push(instance)
      draft.add(plugin.name, instance)
    })
  return drafts.map((draft) => draft.finish())
}

interface Draft {
  readonly facts: BlockFacts
  add(plugin: string, instance: Instance): void
  finish(): Block
}

function createDraft(block: ReadBlock, corefile: Corefile): Draft {
  const instances: { plugin: string; instance: Instance }[] = []
  const root = block.settings.find((entry) => entry.plugin.name === 'root')?.directive.args[0]?.text
  const key = block.keys[0]
  const addresses = (): readonly string[] => instances.flatMap(({ instance }) => instance.bind ?? [])
  const facts: BlockFacts = {
    zones: block.zones,
    port: key?.port ?? 0,
    scheme: key?.scheme ?? 'dns',
    root: root ?? process.cwd(),
    corefile: corefile.file,
    directives: block.words,
    get addresses() {
      return addresses()
    },
    get servers() {
      const bound = addresses()
      const ports = [...new Set(block.keys.map(({ port }) => port))]
      return ports.flatMap((port) => (bound.length > 0 ? bound : ['']).map((address) => serverLabel(address, port)))
    },
    instance: (name) => instances.find(({ plugin }) => plugin === name)?.instance,
    instances: () => instances.map(({ instance }) => instance),
  }
  return {
    facts,
    add(plugin, instance) {
      instances.push({ plugin, instance })
    },
    finish() {
      const links = instances.flatMap(({ plugin, instance }) =>
        instance.handler ? [{ plugin, handler: instance.handler }] : [],
      )
      return {
        facts,
        zones: block.zones,
        instances,
        chain: links.length > 0 ? linkChain(links) : undefined,
        maxPayload: combineEffects(instances.map(({ instance }) => instance)).maxPayload || undefined,
        anyClass: block.words.some((word) => word === 'chaos' || word === 'forward'),
      }
    },
  }
}

/**
 * Groups blocks by address and port, and refuses a zone that two blocks of one listener claim
 * (docs/coredns-behaviour.md §2.4).
 */
function planListeners(read: readonly ReadBlock[], blocks: readonly Block[]): ListenerPlan[] {
  const drafts = new Map<string, { address: string; port: number; blocks: { block: Block; zones: string[] }[] }>()
  const claimed = new Map<string, Set<string>>()
  read.forEach(({ keys }, index) => {
    const block = blocks[index]
    if (!block) return
    const bound = block.facts.addresses.length > 0 ? block.facts.addresses : ['']
    for (const key of keys)
      for (const address of bound) {
        for (const zone of key.zones) claim(claimed, zone, address, key)
        const id = `${isWildcard(address) ? '' : address}|${key.port}`
        const draft = drafts.get(id) ?? { address, port: key.port, blocks: [] }
        drafts.set(id, draft)
        const member = draft.blocks.find((candidate) => candidate.block === block)
        if (member) member.zones.push(...key.zones)
        else draft.blocks.push({ block, zones: [...key.zones] })
      }
  })
  return [...drafts.values()].map(({ address, port, blocks: members }) => {
    const served = members.map(({ block, zones }): Block => ({ ...block, zones }))
    return {
      address: isWildcard(address) ? '' : address,
      port,
      server: serverLabel(address, port),
      shards: Math.max(1, ...served.flatMap((block) => block.instances.map(({ instance }) => instance.shards ?? 1))),
      blocks: served,
      router: createRouter(served, ({ chain }) => chain === undefined),
      anyClass: served.some((block) => block.anyClass),
      limitsPayload: served.some((block) => block.maxPayload !== undefined),
    }
  })
}

/** `bind 0.0.0.0` and `bind ::` open both families, as Go's listeners do for an unspecified address. */
function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** One zone and port: never twice on an address, and never both bound and unbound. */
function claim(claimed: Map<string, Set<string>>, zone: string, address: string, key: ServerKey): void {
  const name = `dns://${zone}:${key.port}`
  const addresses = claimed.get(name) ?? new Set<string>()
  claimed.set(name, addresses)
  if (addresses.has(address))
    throw new ConfigError(`cannot serve ${name}${address && ` on ${address}`} - it is already defined`, key.at)
  if (addresses.size > 0 && (address === '' || addresses.has('')))
    throw new ConfigError(
      `cannot serve ${name} - zone overlap listener capacity with ${[...addresses][0] || name}`,
      key.at,
    )
  addresses.add(address)
}
