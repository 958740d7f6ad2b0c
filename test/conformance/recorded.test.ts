/**
 * What CoreDNS answered (recorded/, written by `npm run conformance -- --record`), asked of the built server: without
 * CoreDNS and without an API server, the same objects coming from manifests.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import { freePort } from '../support/ports.ts'
import { builtServer, runtime } from '../support/server.ts'
import type { Client } from './client.ts'
import { canonical, describe as describeQuestion } from './compare.ts'
import { configurations } from './configurations.ts'
import { eachInParallel } from './differential.ts'
import { startServer } from './pair.ts'
import { hasCache } from './pairing.ts'
import type { Ask } from './queries.ts'
import { casesOf, type Recording, readCluster, readRecordings, withoutAge } from './recorded.ts'
import { startUpstream } from './upstream.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-recorded-'))
const manifests = join(folder, 'manifests')
let upstream: Awaited<ReturnType<typeof startUpstream>>

/** Servers that run at the same time: while one reads the objects, another answers. */
const atOnce = 2
/** Milliseconds for one configuration: it bounds a failure, on whatever machine. */
const timeout = 900_000
/** Every recorded question was answered: silence, and SERVFAIL for an upstream's silence, may be the machine's. */
const patience = 20

before(async () => {
  mkdirSync(manifests)
  const documents = readCluster().map((object) => JSON.stringify(object))
  writeFileSync(join(manifests, 'cluster.yaml'), documents.join('\n---\n'))
  upstream = await startUpstream()
})

after(() => {
  upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The answers that differ, worded for a person. */
async function replay(recording: Recording): Promise<string[]> {
  const { configuration: name } = recording
  const configuration = configurations.find((candidate) => candidate.name === name)
  assert.ok(configuration, `recorded/${name}.json is of a configuration that is no more: record again`)
  const port = await freePort()
  const file = join(folder, `${name}.corefile`)
  const corefile = configuration.corefile({ port, kubeconfig: '', upstream: `127.0.0.1:${upstream.port}` })
  writeFileSync(file, corefile.replaceAll(/kubeconfig *$/gm, `manifests ${manifests}`))
  const started = performance.now()
  const server = await startServer([runtime, builtServer, '-conf', file], port, configuration.settledName, timeout)
  try {
    const wrong: string[] = []
    await eachInParallel(casesOf(recording), async ({ asked, wanted }) => {
      const reply = canonical(await answered(server.client, asked, wanted))
      const seconds = hasCache(corefile) ? Math.ceil((performance.now() - started) / 1000) : 0
      const got = withoutAge(reply, wanted, seconds)
      if (got.join('\n') !== wanted.join('\n')) wrong.push(besides(describeQuestion(asked), wanted, got))
    })
    return wrong
  } finally {
    await server.stop()
  }
}

async function answered(client: Client, asked: Ask, [wanted]: readonly string[]): Promise<Uint8Array | undefined> {
  let reply: Uint8Array | undefined
  for (let attempt = 0; attempt < patience; attempt++) {
    reply = await client.ask(asked)
    if (reply && ((reply[3]! & 15) !== rcode.SERVFAIL || wanted?.startsWith('SERVFAIL'))) break
  }
  return reply
}

function besides(title: string, wanted: readonly string[], got: readonly string[]): string {
  return [title, ...wanted.map((line) => `  wanted ${line}`), ...got.map((line) => `  got    ${line}`)].join('\n')
}

describe('what CoreDNS answered is what slicedns answers, over UDP and TCP', { concurrency: atOnce, timeout }, () => {
  for (const recording of readRecordings()) {
    test(`${recording.configuration}, recorded from CoreDNS ${recording.coredns}`, { timeout }, async () => {
      const wrong = await replay(recording)
      assert.ok(wrong.length === 0, `${wrong.length} answers differ:\n${wrong.slice(0, 20).join('\n')}`)
    })
  }
})
