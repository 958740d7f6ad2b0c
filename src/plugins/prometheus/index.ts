import { resolve } from 'node:path'
import { argCount, flag, type HostPort, listenAddress, option, readBody, text, value } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { createQueryMetrics } from '../../plugin/query-metrics.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { acquireHttpListener } from '../../telemetry/http/listener.ts'
import { publishCompatibleNames } from './compatibility/index.ts'
import { exposition } from './exposition.ts'
import { namedPlugin } from './named-plugin.ts'
import { publishRuntimeMetrics } from './runtime.ts'
import { openSecurity } from './security.ts'
import { createSeries } from './series.ts'
import { readWebConfig } from './web-config.ts'

interface Settings {
  readonly address: HostPort
  readonly runtime_metrics: boolean
  readonly compatibility_metrics: boolean
  /** A web configuration file with the certificate. */
  readonly tls: string | undefined
}

const defaultAddress: HostPort = { host: 'localhost', port: 9153 }

const schema: DirectiveSchema<Settings> = {
  usage: 'prometheus [ADDRESS] { runtime_metrics | compatibility_metrics | tls WEBCONFIG }',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 1)
    const [word] = directive.args
    return {
      address: word ? value(listenAddress({ anyPort: true }), word, 'prometheus') : defaultAddress,
      ...readBody(directive, {
        runtime_metrics: flag(),
        compatibility_metrics: flag(),
        tls: option(text, { repeat: 'once' }),
      }),
    }
  },
}

/** Counts the queries of its block and serves metrics over HTTP. */
export const prometheus: Plugin<Settings> = {
  name: 'prometheus',
  schema,
  readFiles(settings, { block, log }) {
    try {
      secured(settings, block.root)
    } catch (error) {
      log.error(cannotStart(error))
    }
  },
  setup(settings, setup) {
    const { metrics, clock, block } = setup
    const queries = createQueryMetrics(metrics)
    let named: string | undefined
    return {
      handler(query, next) {
        if (query.unrecorded) return next(query)
        return withOutcome(next(query), (outcome) => {
          named ??= namedPlugin(block)
          queries.count(query, outcome, (clock.now() - query.receivedAt) / 1_000, named)
          return outcome
        })
      },
      provides: [provide(relayPassage, passesEverything)],
      ...lifecycle(settings, setup),
    }
  },
}

const cannotStart = (error: unknown): string => `Failed to start metrics handler: ${errorMessage(error)}`

/** Reads the web configuration. Throws an Error that names the file and the problem. */
function secured({ tls }: Settings, folder: string) {
  const web = tls === undefined ? undefined : readWebConfig(resolve(folder, tls))
  return { web, security: web?.tls && openSecurity(web.tls) }
}

function lifecycle(settings: Settings, setup: Setup): Pick<Instance, 'start' | 'serving' | 'stop'> {
  const { metrics, process, block, log } = setup
  const held: { release(): void }[] = []
  const listening: { release(): void }[] = []
  let serve = (): void => undefined

  async function listen(): Promise<void> {
    const { web, security } = secured(settings, block.root)
    const listener = acquireHttpListener(process, settings.address, { metrics, security })
    listening.push(listener)
    const route = listener.value.route('/metrics', exposition(metrics, web?.headers))
    listening.push({ release: route.remove })
    await listener.value.open()
  }

  return {
    async start() {
      const series = process.acquire('prometheus', () => createSeries(metrics, process.dataPlane))
      held.push(series)
      const member = series.value.join(block)
      held.push({ release: member.leave })
      serve = member.serve
      if (settings.runtime_metrics) await publishRuntimeMetrics(metrics)
      if (settings.compatibility_metrics)
        held.push(process.acquire('compatible names of metrics', () => publishCompatibleNames(metrics)))
      try {
        await listen()
        member.show()
      } catch (error) {
        release(listening)
        // As in CoreDNS the server starts without metrics. A reload is refused, so that existing metrics are kept.
        if (series.value.shown()) throw error
        log.error(cannotStart(error))
      }
    },
    serving: () => serve(),
    stop() {
      release(listening)
      release(held)
    },
  }
}

function release(held: { release(): void }[]): void {
  for (const holding of held.splice(0)) holding.release()
}
