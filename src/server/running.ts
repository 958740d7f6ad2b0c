/** A configuration that runs: its plugins started, its names published, its queries counted while in flight. */
import type { Logger } from '../observe/log.ts'
import type { TableWriter } from '../table/api.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Configuration } from './configuration.ts'
import type { Listener } from './ingress.ts'
import { publishBlock } from './publish.ts'

export interface Running {
  readonly configuration: Configuration
  readonly listeners: readonly Listener[]
  /** The plan of the listener whose names are in this space. */
  planOf(space: number): ListenerPlan | undefined
  /** Milliseconds that shutdown goes on answering. */
  readonly lameduck: number
  /** Every source has published what it knew when it was attached. */
  readonly settled: Promise<void>
  /** The sockets answer: `loop` may ask itself. */
  serving(): void
  drain(): void
  /** Takes the names out of the table and stops the plugins. */
  stop(): Promise<void>
}

/** Starts the plugins in chain order, each for every block; when one fails those that started are stopped again. */
export async function run(configuration: Configuration, writer: TableWriter, log: Logger): Promise<Running> {
  await startPlugins(configuration, log)
  const spaces = new Map<number, ListenerPlan>()
  const published: { detach(): void; readonly settled: Promise<void> }[] = []
  const listeners = configuration.listeners.map((plan): Listener => {
    const space = writer.createSpace()
    spaces.set(space, plan)
    for (const block of plan.blocks) published.push(publish(block, plan, space, writer))
    return { address: plan.address, port: plan.port, space, shards: plan.shards }
  })
  const instances = configuration.blocks.flatMap((block) => block.instances.map(({ instance }) => instance))
  return {
    configuration,
    listeners,
    planOf: (space) => spaces.get(space),
    lameduck: Math.max(0, ...instances.map((instance) => instance.lameduck ?? 0)),
    settled: Promise.all(published.map(({ settled }) => settled)).then(() => undefined),
    serving() {
      for (const instance of instances) instance.serving?.()
    },
    drain() {
      for (const instance of instances) instance.drain?.()
    },
    async stop() {
      for (const source of published) source.detach()
      for (const space of spaces.keys()) writer.retireSpace(space)
      await stopPlugins(configuration, log)
    },
  }
}

function publish(block: Block, plan: ListenerPlan, space: number, writer: TableWriter) {
  const routedHere = (name: string) => plan.router.route(name, 0)?.block === block
  return publishBlock(
    {
      instances: block.instances,
      server: plan.server,
      view: '',
      owns: routedHere,
      foreignZonesBelow: (name) => plan.router.zonesBelow(name).filter((zone) => !routedHere(zone)),
      zoneOf: (name) => plan.router.route(name, 0)?.zone ?? '.',
    },
    space,
    writer,
  )
}

async function startPlugins(configuration: Configuration, log: Logger): Promise<void> {
  const started: Configuration['blocks'][number]['instances'][number]['instance'][] = []
  try {
    for (const { instance, plugin } of inChainOrder(configuration)) {
      try {
        await instance.start?.()
      } catch (error) {
        throw new Error(`plugin/${plugin}: ${error instanceof Error ? error.message : error}`, { cause: error })
      }
      started.push(instance)
    }
  } catch (error) {
    for (const instance of started) await stopOne(instance, log)
    throw error
  }
}

/** All blocks' first plugins, then all blocks' second ones: configure() set them up in this order too. */
function inChainOrder(configuration: Configuration) {
  const links = configuration.blocks.flatMap((block) => block.instances)
  const order = [...new Set(links.map(({ plugin }) => plugin))]
  return order.flatMap((plugin) => links.filter((link) => link.plugin === plugin))
}

async function stopPlugins(configuration: Configuration, log: Logger): Promise<void> {
  for (const block of configuration.blocks) for (const { instance } of block.instances) await stopOne(instance, log)
}

async function stopOne(instance: { stop?(): Promise<void> | void }, log: Logger): Promise<void> {
  try {
    await instance.stop?.()
  } catch (error) {
    log.error(`a plugin did not stop cleanly: ${error instanceof Error ? error.message : error}`)
  }
}
