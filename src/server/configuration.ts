/** From a parsed Corefile to server blocks whose plugins are set up, and the listeners that serve them. */

import {
  type Corefile,
  type CorefileBlock,
  checkDirectives,
  overlapErrors,
  schemeError,
  serverKeys,
} from '../corefile/index.ts'
import { readSettings } from '../corefile/read.ts'
import { ConfigError, type Directive, type Position } from '../corefile/schema.ts'
import type { Instance, Plugin, ProcessState, Setup } from '../plugin/contract.ts'
import { requirementError } from '../plugin/requirements.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { Block, ListenerPlan } from './block.ts'
import { stopInstances } from './lifecycle.ts'
import { type KeyedBlock, planListeners } from './listeners.ts'
import { type BlockDraft, draftBlock, type ReadBlock } from './set-up.ts'

export interface Configuration {
  readonly blocks: readonly Block[]
  readonly listeners: readonly ListenerPlan[]
}

export interface ConfigurationOptions {
  readonly plugins: readonly Plugin[]
  /** As in DirectiveCheck. */
  readonly lenient?: boolean
  readonly defaultPort: number
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  readonly process: ProcessState
}

/**
 * Reads the settings of every block before it sets up any plugin. If a setup fails, the plugins already set up are stopped:
 * an invalid file has no effect. Rejects with ConfigError.
 */
export async function configure(corefile: Corefile, options: ConfigurationOptions): Promise<Configuration> {
  for (const { message } of checkDirectives(corefile, options)) options.log.warning(message)
  const read = corefile.blocks.map((block) => readBlock(block, options))
  refuseUnmetRequirements(read, options.plugins)
  const instances: Instance[] = []
  try {
    const blocks = setUpBlocks(read, corefile, options, instances)
    const listeners = planListeners(blocks)
    refuseOverlaps(blocks)
    return { blocks: blocks.map(({ block }) => block), listeners }
  } catch (error) {
    await stopInstances(instances, options.log)
    throw error
  }
}

function readBlock(block: CorefileBlock, options: ConfigurationOptions): ReadBlock {
  const keys = serverKeys(block.keys, options.defaultPort)
  const [refused] = keys.flatMap((key) => schemeError(key) ?? [])
  if (refused) throw refused
  const zones = [...new Set(keys.flatMap((key) => key.zones))]
  const settings = options.plugins.flatMap((plugin) => {
    const occurrences = block.directives.filter((directive) => directive.word === plugin.name)
    const [first] = occurrences
    if (!first) return []
    return [{ plugin, directive: first, settings: readSettings(plugin.schema, occurrences, zones) }]
  })
  return { keys, zones, settings, directives: block.directives.map((directive) => directive.word) }
}

/**
 * Plugin by plugin over all blocks, in chain order, as CoreDNS does: the order decides which error is reported. Adds each
 * instance to `instances` as soon as it exists.
 */
function setUpBlocks(
  read: readonly ReadBlock[],
  { file }: Corefile,
  options: ConfigurationOptions,
  instances: Instance[],
): KeyedBlock[] {
  const drafts = read.map((block) => ({ ...block, draft: draftBlock(block, file) }))
  for (const plugin of options.plugins)
    for (const { settings, draft } of drafts) {
      const found = settings.find((entry) => entry.plugin === plugin)
      if (!found) continue
      const instance = plugin.setup(found.settings, setupOf(plugin, found.directive, draft, options))
      instances.push(instance)
      draft.add({ plugin: plugin.name, instance })
    }
  return drafts.map(({ keys, draft }) => ({ keys, block: draft.finish() }))
}

function setupOf(plugin: Plugin, directive: Directive, { facts }: BlockDraft, options: ConfigurationOptions): Setup {
  return {
    directive,
    block: facts,
    log: options.log.plugin(plugin.name),
    metrics: options.metrics,
    clock: options.clock,
    process: options.process,
    fail(message: string, position?: Position): never {
      throw new ConfigError(`plugin/${plugin.name}: ${message}`, position ?? directive.at)
    },
  }
}

function refuseUnmetRequirements(blocks: readonly ReadBlock[], plugins: readonly Plugin[]): void {
  for (const plugin of plugins) {
    const earlier: unknown[] = []
    for (const { keys, settings } of blocks) {
      const found = settings.find((entry) => entry.plugin === plugin)
      if (!found) continue
      const declared = { keys, plugins: settings.map((entry) => entry.plugin), earlier }
      const error = requirementError(plugin, found.settings, found.directive, declared)
      if (error) throw error
      earlier.push(found.settings)
    }
  }
}

function refuseOverlaps(blocks: readonly KeyedBlock[]): void {
  const claimants = blocks.map(({ keys, block }) => ({ keys, addresses: block.facts.addresses, viewed: block.isView }))
  const [error] = overlapErrors(claimants)
  if (error) throw error
}
