/**
 * What CoreDNS answered with each plugin's configurations (recorded/plugins, written by `npm run conformance -- plugins
 * --record`), asked of the built server. One process has all configurations, each on a port of its own.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePort } from '../../support/ports.ts'
import { builtServer, runtime } from '../../support/server.ts'
import { until } from '../../support/until.ts'
import type { Client } from '../client.ts'
import { canonical, describe as describeQuestion } from '../compare.ts'
import { eachInParallel } from '../differential.ts'
import { type Asked, startServer } from '../pair.ts'
import { type Ask, ask } from '../queries.ts'
import { casesOf, readPluginRecordings } from '../recorded.ts'
import { startUpstream } from '../upstream.ts'
import type { PluginConfiguration } from './configuration.ts'
import { pluginConfigurations } from './index.ts'
import { opening, settled, writeFiles } from './pair.ts'
import { primaryBlock, primaryFiles } from './primary.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-recorded-plugins-'))
const recordings = readPluginRecordings()
const clients = new Map<string, Client>()
let upstream: Awaited<ReturnType<typeof startUpstream>>
let server: Asked
/** Every recorded question was answered: silence may be the machine's. */
const patience = 20

function configurationOf(name: string): PluginConfiguration {
  const configuration = pluginConfigurations.find((candidate) => candidate.name === name)
  assert.ok(configuration, `recorded/plugins/${name}.json is of a configuration that is no more: record again`)
  return configuration
}

before(async () => {
  upstream = await startUpstream()
  const ports = new Map<string, number>()
  for (const { configuration } of recordings) ports.set(configuration, await freePort())
  const primaryPort = await freePort()
  const primary = `127.0.0.1:${primaryPort}`
  const blocks = [...ports].map(([name, port]) => {
    const configuration = configurationOf(name)
    const files = writeFiles(configuration, join(folder, name))
    return configuration.corefile({
      port,
      upstream: `127.0.0.1:${upstream.port}`,
      primary,
      folder: files,
      kubeconfig: '',
    })
  })
  const file = join(folder, 'Corefile')
  const settledPort = await freePort()
  const primaryFolder = writeFiles({ files: primaryFiles }, join(folder, 'primary'))
  writeFileSync(file, `${blocks.join('')}${primaryBlock(primaryPort, primaryFolder)}${settled.block(settledPort)}`)
  server = await startServer([runtime, builtServer, '-conf', file], settledPort, settled.name)
  for (const [name, port] of ports) {
    const configuration = configurationOf(name)
    const client = await opening(configuration)(port)
    clients.set(name, client)
    if (configuration.settledName !== undefined) await settle(client, configuration.settledName)
  }
})

after(async () => {
  for (const client of clients.values()) client.close()
  await server?.stop()
  upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

const settle = (client: Client, name: string) =>
  until(async () => assert.match(canonical(await client.ask(ask(name, 1)))[0]!, /^NOERROR /))

async function answered(client: Client, asked: Ask): Promise<Uint8Array | undefined> {
  for (let attempt = 0; attempt < patience; attempt++) {
    const reply = await client.ask(asked)
    if (reply) return reply
  }
  return undefined
}

/** Below a name of 251 octets whoami of CoreDNS sends what nobody can read; ours leaves the record out (docs/differences.md). */
const isRight = (got: readonly string[], wanted: readonly string[]): boolean =>
  isUnreadable(wanted) ? !isUnreadable(got) && got[0]!.startsWith('NOERROR ') : got.join('\n') === wanted.join('\n')

const isUnreadable = ([first]: readonly string[]): boolean => first!.startsWith('unparsable: ')

describe('what CoreDNS answered with a plugin is what slicedns answers', () => {
  for (const recording of recordings)
    test(`${recording.configuration}, recorded from CoreDNS ${recording.coredns}`, async () => {
      const wrong: string[] = []
      await eachInParallel(casesOf(recording), async ({ asked, wanted }) => {
        const got = canonical(await answered(clients.get(recording.configuration)!, asked))
        if (!isRight(got, wanted))
          wrong.push(
            [
              describeQuestion(asked),
              ...wanted.map((line) => `  wanted ${line}`),
              ...got.map((line) => `  got    ${line}`),
            ].join('\n'),
          )
      })
      assert.ok(wrong.length === 0, `${wrong.length} answers differ:\n${wrong.slice(0, 20).join('\n')}`)
    })
})
