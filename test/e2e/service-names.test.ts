/** What annotations add to the names of services, as clients see it: over UDP and TCP, and past the search paths of pods. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'

const skip = without('dig')
const manifests = mkdtempSync(join(tmpdir(), 'slicedns-names-'))
const upstreamAddress = '192.0.2.1'
let server: RunningServer
let upstream: ScriptedUpstream

function put(namespace: string, name: string, clusterIP: string, annotations: Readonly<Record<string, string>>): void {
  const spec = { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }
  // Whoever comes later takes no alias away.
  const creationTimestamp = namespace === 'shop' ? '2024-05-01T08:00:00Z' : '2024-05-01T08:00:01Z'
  const metadata = { name, namespace, creationTimestamp, annotations }
  const object = { apiVersion: 'v1', kind: 'Service', metadata, spec }
  writeFileSync(join(manifests, `${namespace}-${name}.json`), JSON.stringify(object))
}

before(async () => {
  if (skip) return
  for (const name of ['shop', 'bad']) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
    writeFileSync(join(manifests, `${name}.json`), JSON.stringify(namespace))
  }
  put('shop', 'web', '10.0.0.1', {
    'txt.slicedns.io/model': 'llama-3',
    'txt.slicedns.io/about': 'ü'.repeat(400),
    'slicedns.io/alias': 'web.apps.example',
  })
  const many = Object.fromEntries(
    Array.from({ length: 900 }, (_, i) => [`txt.slicedns.io/key${i}`, `${i}`.padEnd(60, '.')]),
  )
  put('shop', 'many', '10.0.0.2', { ...many, 'txt.slicedns.io/big': 'x'.repeat(262_144) })
  const stolen = [
    'google.com',
    'google.com.shop.svc.cluster.local',
    'google.com.svc.cluster.local',
    'google.com.cluster.local',
  ]
  put('bad', 'evil', '10.6.6.6', {
    'slicedns.io/alias': [...stolen, 'web.shop.svc.cluster.local', 'web.apps.example'].join(),
  })
  upstream = await startUpstream(answering(upstreamAddress))
  server = await startServer({
    corefile: ({ dns, ready }) => `.:${dns} {
      errors
      ready 127.0.0.1:${ready}
      kubernetes cluster.local in-addr.arpa {
        manifests ${manifests}
        alias_zones apps.example
      }
      forward . ${upstream.to}
      cache
    }`,
    waitFor: 'ready',
  })
})

after(async () => {
  await server?.stop()
  await upstream?.close()
  rmSync(manifests, { recursive: true })
})

const web = 'web.shop.svc.cluster.local.'

describe('TXT records of a service', { skip }, () => {
  test('TXT records of a service that do not fit 512 octets are truncated over UDP, and whole over TCP', async () => {
    const cut = await server.dig(web, 'TXT', { flags: ['+noedns'] })
    assert.ok(cut.flags.includes('tc'))
    const whole = await server.dig(web, 'TXT', { tcp: true })
    assert.equal(whole.answer.length, 2)
    assert.ok(!whole.flags.includes('tc'))
  })

  test('TXT records of a service fit a client that takes more', async () => {
    const { answer, flags } = await server.dig(web, 'TXT', { flags: ['+bufsize=4096'] })
    assert.equal(answer.length, 2)
    assert.ok(!flags.includes('tc'))
  })

  test('TXT records of a service with 900 keys and a value of 256 KiB have what fits one message, and the rest works', async () => {
    const { answer } = await server.dig('many.shop.svc.cluster.local', 'TXT', { tcp: true })
    assert.equal(answer.length, 1)
    assert.equal(answer[0]!.match(/"key\d+=/g)!.length, 900)
    const { answer: addresses } = await server.dig('many.shop.svc.cluster.local', 'A')
    assert.deepEqual(addresses, ['many.shop.svc.cluster.local. 5 IN A 10.0.0.2'])
  })
})

describe('aliases of services', { skip }, () => {
  test('an alias is answered in a zone that the Corefile opens outside of the plugin’s own', async () => {
    assert.deepEqual((await server.dig('web.apps.example', 'A')).answer, ['web.apps.example. 5 IN A 10.0.0.1'])
  })

  test('an alias ends with its annotation, and the name is the next plugin’s', async () => {
    put('shop', 'soon', '10.0.0.3', { 'slicedns.io/alias': 'soon.apps.example' })
    const answers = (address: string) =>
      until(async () => {
        const { answer } = await server.dig('soon.apps.example', 'A')
        assert.match(answer.join(), new RegExp(`IN A ${address}$`))
      })
    await answers('10.0.0.3')
    put('shop', 'soon', '10.0.0.3', {})
    await answers(upstreamAddress)
    put('shop', 'soon', '10.0.0.3', { 'slicedns.io/alias': 'soon.apps.example' })
    await answers('10.0.0.3')
  })

  test('aliases take nothing that a pod finds by its search path, whatever a tenant writes', async () => {
    const { rcode } = await server.dig('google.com.bad.svc.cluster.local', 'A')
    assert.equal(rcode, 'NXDOMAIN')
    for (const domain of ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local']) {
      assert.equal((await server.dig(`google.com.${domain}`, 'A')).rcode, 'NXDOMAIN', domain)
    }
    assert.match((await server.dig('google.com', 'A')).answer.join(), new RegExp(`IN A ${upstreamAddress}$`))
    assert.deepEqual((await server.dig(web, 'A')).answer, [`${web} 5 IN A 10.0.0.1`])
  })
})
