import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diskSources } from '../../../src/corefile/load.ts'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import type { ConnectionTimeouts } from '../../../src/plugin/capabilities/listening.ts'
import { timeouts } from '../../../src/plugins/timeouts/index.ts'
import { systemClock } from '../../../src/scheduling/clock.ts'
import { configure } from '../../../src/server/configuration.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { createPluginHarness } from '../../support/plugin-harness.ts'

/** The timeouts of each listener of the Corefile. */
async function listenersOf(text: string): Promise<ConnectionTimeouts[]> {
  const { log, state } = createPluginHarness()
  const corefile = { ...parseCorefile(text, 'Corefile', diskSources), file: 'Corefile', hash: '', builtIn: false }
  const options = {
    plugins: [timeouts],
    defaultPort: 53,
    log,
    metrics: createMetrics(),
    clock: systemClock,
    process: state,
  }
  return (await configure(corefile, options)).listeners.map((listener) => listener.timeouts)
}

const unset: ConnectionTimeouts = { read: undefined, write: undefined, idle: undefined, queries: undefined }

describe('timeouts', () => {
  const cases: readonly (readonly [string, string, readonly ConnectionTimeouts[]])[] = [
    ['none set leaves the defaults', '. {\n}\n', [unset]],
    [
      'durations and whole seconds are read',
      '. {\ntimeouts {\nread 1500ms\nwrite 24h\nidle 60\nmaxtcpqueries 128\n}\n}\n',
      [{ read: 1_500, write: 86_400_000, idle: 60_000, queries: 128 }],
    ],
    ['-1 queries are no limit', '. {\ntimeouts {\nmaxtcpqueries -1\n}\n}\n', [{ ...unset, queries: 0 }]],
    [
      'the last directive of a block that has a value counts for it',
      '. {\ntimeouts {\nread 5s\nidle 6s\n}\ntimeouts {\nread 7s\n}\n}\n',
      [{ ...unset, read: 7_000, idle: 6_000 }],
    ],
    [
      'the last block of a listener that has a value counts for it, and no other listener',
      '. {\ntimeouts {\nread 5s\nidle 6s\n}\n}\na.org {\ntimeouts {\nidle 8s\n}\n}\nb.org {\n}\n.:54 {\n}\n',
      [{ ...unset, read: 5_000, idle: 8_000 }, unset],
    ],
  ]
  for (const [what, corefile, wanted] of cases)
    it(`timeouts of a listener: ${what}`, async () => {
      assert.deepEqual(await listenersOf(corefile), wanted)
    })
})
