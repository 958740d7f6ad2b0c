/** A configuration that runs: its plugins started, its names published, its queries counted while in flight. */

import { lameduck } from '../plugin/capabilities/lameduck.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { TableWriter } from '../table/api.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Configuration } from './configuration.ts'
import type { Listener } from './ingress.ts'
import { startPlugins, stopInstances } from './lifecycle.ts'
import { publishBlock } from './publish.ts'

export interface RunningConfiguration {
  readonly configuration: Configuration
  readonly listeners: readonly Listener[]
  /** The plan of the listener whose names are in this space. */
  planOf(space: number): ListenerPlan | undefined
  /** Milliseconds that shutdown goes on answering. */
  readonly lameduck: number
  /** Every source has published what it knew when it was attached. */
  readonly settled: Promise<void>
  /** Every plugin can answer all that it is asked. */
  ready(): boolean
  /** The sockets answer: `loop` may ask itself. */
  serving(): void
  drain(): void
  /** Takes the names out of the table and stops the plugins. */
  stop(): Promise<void>
}

/** Starts the plugins, and publishes what they compile. When something fails, all of it is taken back. */
export async function run(
  configuration: Configuration,
  writer: TableWriter,
  log: Logger,
): Promise<RunningConfiguration> {
  const instances = configuration.blocks.flatMap((block) => block.plugins.map(({ instance }) => instance))
  const spaces = new Map<number, ListenerPlan>()
  const published: { detach(): void; readonly settled: Promise<void> }[] = []

  function open(plan: ListenerPlan): Listener {
    const space = writer.createSpace()
    spaces.set(space, plan)
    for (const block of plan.blocks) published.push(publish(block, plan, space, writer))
    const { address, port, shards, timeouts, proxyProtocol, shedding } = plan
    return { scheme: 'dns', address, port, space, shards, timeouts, proxyProtocol, shedding }
  }

  async function stop(): Promise<void> {
    for (const source of published) source.detach()
    for (const space of spaces.keys()) writer.retireSpace(space)
    await stopInstances(instances, log)
  }

  let listeners: readonly Listener[]
  try {
    await startPlugins(configuration.blocks)
    listeners = configuration.listeners.map(open)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    configuration,
    listeners,
    planOf: (space) => spaces.get(space),
    lameduck: Math.max(0, ...instances.map((instance) => capabilityOf(instance, lameduck) ?? 0)),
    settled: Promise.all(published.map(({ settled }) => settled)).then(
      () => undefined,
      (error: unknown) => log.error(`names are not in the answer table: ${errorMessage(error)}`),
    ),
    ready: () => instances.every((instance) => instance.ready?.() ?? true),
    serving() {
      for (const instance of instances) instance.serving?.()
    },
    drain() {
      for (const instance of instances) instance.drain?.()
    },
    stop,
  }
}

function publish(block: Block, plan: ListenerPlan, space: number, writer: TableWriter) {
  const routedHere = (name: string) => plan.router.owner(name)?.block === block
  return publishBlock(
    {
      plugins: block.plugins,
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
