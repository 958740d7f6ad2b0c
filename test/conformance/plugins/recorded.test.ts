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
import { type Client, openClient } from '../client.ts'
import { canonical, describe as describeQuestion } from '../compare.ts'
import { eachInParallel } from '../differential.ts'
import { type Asked, startServer } from '../pair.ts'
import type { Ask } from '../queries.ts'
import { casesOf, readPluginRecordings } from '../recorded.ts'
import { startUpstream } from '../upstream.ts'
import { pluginConfigurations } from './index.ts'
import { settled, writeFiles } from './pair.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-recorded-plugins-'))
const recordings = readPluginRecordings()
const clients = new Map<string, Client>()
let upstream: Awaited<ReturnType<typeof startUpstream>>
let server: Asked
/** Every recorded question was answered: silence may be the machine's. */
const patience = 20

before(async () => {
  upstream = await startUpstream()
  const ports = new Map<string, number>()
  for (const { configuration } of recordings) ports.set(configuration, await freePort())
  const blocks = [...ports].map(([name, port]) => {
    const configuration = pluginConfigurations.find((candidate) => candidate.name === name)
    assert.ok(configuration, `recorded/plugins/${name}.json is of a configuration that is no more: record again`)
    const files = writeFiles(configuration, join(folder, name))
    return configuration.corefile({ port, upstream: `127.0.0.1:${upstream.port}`, folder: files, kubeconfig: '' })
  })
  const file = join(folder, 'Corefile')
  const settledPort = await freePort()
  writeFileSync(file, `${blocks.join('')}${settled.block(settledPort)}`)
  server = await startServer([runtime, builtServer, '-conf', file], settledPort, settled.name)
  for (const [name, port] of ports) clients.set(name, await openClient('127.0.0.1', port))
})

after(async () => {
  for (const client of clients.values()) client.close()
  await server?.stop()
  upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function answered(client: Client, asked: Ask): Promise<Uint8Array | undefined> {
  for (let attempt = 0; attempt < patience; attempt++) {
    const reply = await client.ask(asked)
    if (reply) return reply
  }
  return undefined
}

describe('what CoreDNS answered with a plugin is what slicedns answers', () => {
  for (const recording of recordings)
    test(`${recording.configuration}, recorded from CoreDNS ${recording.coredns}`, async () => {
      const wrong: string[] = []
      await eachInParallel(casesOf(recording), async ({ asked, wanted }) => {
        const got = canonical(await answered(clients.get(recording.configuration)!, asked))
        if (got.join('\n') !== wanted.join('\n'))
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
