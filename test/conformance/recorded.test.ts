/**
 * What CoreDNS answered (recorded/, written by `npm run conformance -- --record`), asked of the built server: without
 * CoreDNS and without an API server, the same objects coming from manifests.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePort } from '../support/ports.ts'
import { builtServer, runtime } from '../support/server.ts'
import { canonical, describe as describeQuestion } from './compare.ts'
import { configurations } from './configurations.ts'
import { eachInParallel } from './differential.ts'
import { startServer } from './pair.ts'
import type { Ask } from './queries.ts'
import { expanded, type Recording, readCluster, readRecordings, readWay } from './recorded.ts'
import { startUpstream } from './upstream.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-recorded-'))
const manifests = join(folder, 'manifests')
let upstream: Awaited<ReturnType<typeof startUpstream>>

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

async function serve({ configuration: name }: Recording) {
  const configuration = configurations.find((candidate) => candidate.name === name)
  assert.ok(configuration, `recorded/${name}.json is of a configuration that is no more: record again`)
  const port = await freePort()
  const corefile = join(folder, `${name}.corefile`)
  const places = { port, kubeconfig: '', upstream: `127.0.0.1:${upstream.port}` }
  writeFileSync(corefile, configuration.corefile(places).replaceAll(/kubeconfig *$/gm, `manifests ${manifests}`))
  return startServer([runtime, builtServer, '-conf', corefile], port, configuration.settledName)
}

interface Case {
  readonly asked: Ask
  readonly wanted: readonly string[]
}

function casesOf({ questions, replies }: Recording): Case[] {
  return Object.entries(questions).flatMap(([name, ways]) =>
    Object.entries(ways).map(([way, reply]) => ({
      asked: readWay(name, way),
      wanted: expanded(replies[reply]!, name),
    })),
  )
}

for (const recording of readRecordings()) {
  const cases = casesOf(recording)
  describe(`${recording.configuration}: answers recorded from CoreDNS ${recording.coredns}`, () => {
    for (const over of ['udp', 'tcp'] as const) {
      test(`are slicedns's answers over ${over.toUpperCase()}`, async () => {
        const server = await serve(recording)
        try {
          const wrong: string[] = []
          await eachInParallel(
            cases.filter(({ asked }) => asked.over === over),
            async ({ asked, wanted }) => {
              const got = canonical((await server.client.ask(asked)) ?? (await server.client.ask(asked)))
              if (got.join('\n') !== wanted.join('\n')) wrong.push(besides(describeQuestion(asked), wanted, got))
            },
          )
          assert.ok(wrong.length === 0, `${wrong.length} answers differ:\n${wrong.slice(0, 20).join('\n')}`)
        } finally {
          await server.stop()
        }
      })
    }
  })
}

function besides(title: string, wanted: readonly string[], got: readonly string[]): string {
  return [title, ...wanted.map((line) => `  wanted ${line}`), ...got.map((line) => `  got    ${line}`)].join('\n')
}
