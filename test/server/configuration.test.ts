import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { compiledSource } from '../../src/plugin/capabilities/compiled-source.ts'
import { provide } from '../../src/plugin/capability.ts'
import type { Instance, Plugin } from '../../src/plugin/contract.ts'
import { systemClock } from '../../src/scheduling/clock.ts'
import { configure } from '../../src/server/configuration.ts'
import { run } from '../../src/server/running.ts'
import { createTable } from '../../src/table/index.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'

describe('a configuration that cannot start', () => {
  let events: string[]
  beforeEach(() => {
    events = []
  })

  /** A plugin that reports its start and stop. `instance` is what it has besides. */
  function telling(name: string, instance: (fail: () => never) => Instance = () => ({})): Plugin {
    return {
      name,
      schema: { usage: name, repeat: 'once', read: () => undefined },
      setup: (_, { fail }) => ({
        start: () => void events.push(`start ${name}`),
        stop: () => void events.push(`stop ${name}`),
        ...instance(() => fail('cannot be')),
      }),
    }
  }

  async function start(plugins: readonly Plugin[], text: string): Promise<void> {
    const { log, state } = createPluginHarness()
    const corefile = { ...parseCorefile(text, 'Corefile', diskSources), file: 'Corefile', hash: '', builtIn: false }
    const options = { plugins, defaultPort: 53, log, metrics: createMetrics(), clock: systemClock, process: state }
    await run(await configure(corefile, options), createTable({ reserveBytes: 1 << 26 }), log)
  }

  it('a configuration that cannot start stops what was set up before the plugin whose set-up fails', async () => {
    const broken = telling('broken', (fail) => fail())
    await assert.rejects(
      start([telling('first'), broken, telling('last')], '. {\nfirst\nbroken\nlast\n}\n'),
      /cannot be/,
    )
    assert.deepEqual(events, ['stop first'])
  })

  it('a configuration that cannot start stops everything when two blocks claim one zone', async () => {
    await assert.rejects(start([telling('first')], '. {\nfirst\n}\n. {\nfirst\n}\n'), /already defined/)
    assert.deepEqual(events, ['stop first', 'stop first'])
  })

  it('a configuration that cannot start is refused at the key whose scheme is not served, before any plugin is set up', async () => {
    for (const scheme of ['quic', 'https3'])
      await assert.rejects(
        start([telling('first')], `. {\nfirst\n}\nexample.org ${scheme}://example.org {\nfirst\n}\n`),
        new RegExp(`Corefile:4:13 - slicedns does not serve ${scheme}://;`),
      )
    assert.deepEqual(events, [])
  })

  it('a configuration that cannot start stops every plugin when one does not start: those started, that one, and those whose turn had not come', async () => {
    const broken = telling('broken', () => ({ start: () => Promise.reject(new Error('port taken')) }))
    await assert.rejects(
      start([telling('first'), broken, telling('last')], '. {\nfirst\nbroken\nlast\n}\n'),
      /^Error: plugin\/broken: port taken$/,
    )
    assert.deepEqual(events, ['start first', 'stop first', 'stop broken', 'stop last'])
  })

  it('a configuration that cannot start stops every plugin when one cannot publish', async () => {
    const source = {
      zones: ['.'],
      attach() {
        throw new Error('no room')
      },
    }
    await assert.rejects(
      start(
        [telling('first'), telling('full', () => ({ provides: [provide(compiledSource, source)] }))],
        '. {\nfirst\nfull\n}\n',
      ),
      /no room/,
    )
    assert.deepEqual(events, ['start first', 'start full', 'stop first', 'stop full'])
  })
})
