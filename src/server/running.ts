/** A running configuration: plugins started, names published, queries counted while in flight. */

import { lameduck } from '../plugin/capabilities/lameduck.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { TableWriter } from '../table/api.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Block, ListenerPlan } from './block.ts'
import type { Configuration } from './configuration.ts'
import type { PublishedBlock } from './gate.ts'
import type { Listener } from './ingress.ts'
import { startPlugins, stopInstances } from './lifecycle.ts'
import { publishBlock } from './publish.ts'
import { createRelaySource } from './relay.ts'
import { type ClientView, maxRules, spaceRules } from './space-rules.ts'

export interface RunningConfiguration {
  readonly configuration: Configuration
  readonly listeners: readonly Listener[]
  /** The plan of the listener whose names are in this space. */
  planOf(space: number): ListenerPlan | undefined
  /** Milliseconds of lameduck: how long shutdown goes on answering. */
  readonly lameduck: number
  /** Every source has published what it knew when it was attached. */
  readonly settled: Promise<void>
  /** Every plugin is ready. */
  ready(): boolean
  /** Called when the sockets answer: `loop` may then query the server. */
  serving(): void
  drain(): void
  /** Removes the names from the table and stops the plugins. */
  stop(): Promise<void>
}

/** Starts the plugins and publishes what they compile. If anything fails, all of it is undone. */
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
    const blocks = plan.blocks.map((block) => asPublished(block, plan))
    writer.rules(space, spaceRules(blocks, clientViews(plan), space, writer, warnOfRules(plan, log)))
    const ofPlan = blocks.map((block) => publishBlock(block, space, writer))
    published.push(...ofPlan)
    const { scheme, address, port, shards, timeouts, proxyProtocol, shedding, takesUpdates, tls, http } = plan
    // Only UDP threads relay.
    const relay =
      scheme !== 'dns'
        ? undefined
        : createRelaySource({
            plan,
            space,
            writer,
            published: (block) => asPublished(block, plan),
            settled: Promise.all(ofPlan.map(({ settled }) => settled)),
          })
    const observesMessages = plan.blocks.some(({ observers }) => observers.some(({ value }) => value.messages))
    return {
      scheme,
      address,
      port,
      space,
      shards,
      timeouts,
      proxyProtocol,
      takesUpdates,
      tls,
      http,
      shedding,
      observesMessages,
      relay,
    }
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

function asPublished(block: Block, plan: ListenerPlan): PublishedBlock {
  const routedHere = (name: string) => plan.router.owner(name)?.block === block
  return {
    plugins: block.plugins,
    zones: block.zones,
    server: plan.server,
    view: '',
    owns: routedHere,
    foreignZonesBelow: (name) => plan.router.zonesBelow(name).filter((zone) => !routedHere(zone)),
    zoneOf: (name) => plan.router.route(name, 0)?.zone ?? '.',
  }
}

const clientViews = (plan: ListenerPlan): readonly ClientView[] =>
  plan.blocks.flatMap(({ zones, view }) => (view?.clients ? [{ zones, clients: view.clients }] : []))

const warnOfRules =
  ({ server }: ListenerPlan, log: Logger) =>
  (rules: number): void =>
    log.warning(`${server} has ${rules} rules by name; with more than ${maxRules} the plugins are asked each time`)
