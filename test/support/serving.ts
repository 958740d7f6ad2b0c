/** A server in this process, on real sockets, that runs the plugins of a test. */
import assert from 'node:assert/strict'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import type { Plugin, ReloadResult } from '../../src/plugin/contract.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import { systemClock } from '../../src/scheduling/clock.ts'
import type { Server } from '../../src/server/api.ts'
import { startServer } from '../../src/server/server.ts'
import { createTable } from '../../src/table/index.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createTransport } from '../../src/transport/index.ts'
import { collectingLog } from './plugin-harness.ts'

export interface Serving {
  readonly lines: readonly string[]
  readonly server: Server
  /** The value of a metric; its labels are part of the name, in alphabetical order. */
  metric(name: string): Promise<number>
  /** Runs another Corefile from now on. */
  reload(corefile: string): Promise<ReloadResult>
  stop(): Promise<void>
}

export async function serve(
  plugins: readonly Plugin[],
  corefile: string,
  options: { readonly udp?: 'auto' | 'dgram' } = {},
): Promise<Serving> {
  const lines: string[] = []
  const log = collectingLog(lines)
  const metrics = createMetrics()
  const writer = createTable({ reserveBytes: 1 << 26 })
  let text = corefile
  const server = await startServer({
    readCorefile: () => ({
      ...parseCorefile(text, 'Corefile', diskSources),
      file: 'Corefile',
      hash: text,
      builtIn: false,
    }),
    plugins,
    version: 'slicedns-test',
    defaultPort: 53,
    log,
    metrics,
    clock: systemClock,
    writer,
    dataPlane: { collect: () => [] },
    limits: readProcessLimits(),
    openIngress(onMiss, onAnswered, onRelayed) {
      const handlers = { onMiss, onAnswered, onRelayed }
      return createTransport({
        table: writer.handle,
        addReader: writer.addReader,
        ...handlers,
        log,
        metrics,
        ...options,
      })
    },
    fatal: (reason) => assert.fail(reason),
  })
  await server.current().settled
  return {
    lines,
    server,
    async metric(name) {
      const line = (await metrics.text()).split('\n').find((each) => each.startsWith(`${name} `))
      return Number(line?.split(' ').at(-1))
    },
    reload(next) {
      text = next
      return server.reload('test')
    },
    stop: () => server.shutdown(),
  }
}
