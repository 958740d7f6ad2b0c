/** docs/coredns-behaviour.md §4.8: what `kubernetes` knows of a query, for `view`, `template`, `rewrite`, `log`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Plugin } from '../../../src/plugin/contract.ts'
import { kubernetes } from '../../../src/plugins/kubernetes/index.ts'
import { metadata } from '../../../src/plugins/metadata/index.ts'
import { servePlugins } from '../../support/plugin-server.ts'
import { until } from '../../support/until.ts'

const labels = [
  'endpoint',
  'kind',
  'namespace',
  'port-name',
  'protocol',
  'service',
  'zone',
  'parse-error',
  'client-namespace',
  'client-pod-name',
  'client-label/app',
  'client-label/tier',
  'constructor',
].map((label) => `kubernetes/${label}`)

/** A pod with the address of the client, as a manifest. */
const pod = (namespace: string, name: string, more = '', address = '192.0.2.1') => `
apiVersion: v1
kind: Pod
metadata: { namespace: ${namespace}, name: ${name}, labels: { app: web }${more} }
status: { podIP: ${address}, phase: Running }
---`

/** The metadata of a query from 192.0.2.1, as the plugins of the block see it. */
async function metadataOf(t: TestContext, question: string, manifests = '', directives = 'metadata') {
  const directory = mkdtempSync(join(tmpdir(), 'metadata-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'cluster.yaml'), `${pod('other', 'synced', '', '192.0.2.9')}${manifests}`)
  let seen: Record<string, string> | undefined
  const reader: Plugin = {
    name: 'debug',
    schema: { usage: '', repeat: 'once', read: () => undefined },
    setup: () => ({
      handler(query, next) {
        const read = (label: string) => query.metadata?.(label)
        const found = labels.map((label) => [label.replace('kubernetes/', ''), read(label)] as const)
        seen = Object.fromEntries(found.flatMap(([label, value]) => (value === undefined ? [] : [[label, value]])))
        return next(query)
      },
    }),
  }
  const options = `manifests ${directory}\npods verified\nzonal`
  const text = `. {\n${directives}\ndebug\nkubernetes cluster.local in-addr.arpa {\n${options}\n}\n}\n`
  const server = await servePlugins([metadata, reader, kubernetes], text)
  t.after(() => server.stop())
  const synced = '192-0-2-9.other.pod.cluster.local. A'
  await until(async () => assert.match(await server.chain(synced), /^NOERROR/))
  await server.chain(question)
  return seen
}

describe('the metadata of kubernetes', () => {
  const names: readonly (readonly [name: string, found: Readonly<Record<string, string>>])[] = [
    ['web.shop.svc.cluster.local.', { kind: 'svc', namespace: 'shop', service: 'web' }],
    ['Web.Shop.svc.cluster.local.', { kind: 'svc', namespace: 'shop', service: 'web' }],
    ['a.web.shop.svc.cluster.local.', { kind: 'svc', namespace: 'shop', service: 'web', endpoint: 'a' }],
    [
      '_http._tcp.web.shop.svc.cluster.local.',
      { kind: 'svc', namespace: 'shop', service: 'web', 'port-name': 'http', protocol: 'tcp' },
    ],
    ['eu-1.pin._zone.web.shop.svc.cluster.local.', { kind: 'svc', namespace: 'shop', service: 'web', zone: 'eu-1' }],
    ['10-0-0-1.shop.pod.cluster.local.', { kind: 'pod', namespace: 'shop', service: '10-0-0-1' }],
    ['shop.svc.cluster.local.', { kind: 'svc', namespace: 'shop' }],
    ['svc.cluster.local.', { kind: 'svc' }],
    ['cluster.local.', {}],
    ['web.shop.cluster.local.', { 'parse-error': 'invalid query name' }],
    ['1.0.0.10.in-addr.arpa.', { 'parse-error': 'invalid query name' }],
    ['example.org.', {}],
  ]
  for (const [name, found] of names)
    it(`the metadata of a query for ${name} is ${JSON.stringify(found)}`, async (t) =>
      assert.deepEqual(await metadataOf(t, `${name} A`), found))

  const own = { 'client-namespace': 'shop', 'client-pod-name': 'a', 'client-label/app': 'web' }
  const clients: readonly (readonly [who: string, manifests: string, found: Readonly<Record<string, string>>])[] = [
    ['a pod', pod('shop', 'a'), own],
    [
      'one of two pods of a namespace',
      pod('shop', 'a') + pod('shop', 'b'),
      { 'client-namespace': 'shop', 'client-label/app': 'web' },
    ],
    ['one of two pods of two namespaces', pod('shop', 'a') + pod('bank', 'b'), { 'client-label/app': 'web' }],
    [
      'a pod whose address another one gives up',
      pod('shop', 'a') + pod('bank', 'b', ', deletionTimestamp: "2026-01-01T00:00:00Z"'),
      own,
    ],
    ['nobody that is known', '', {}],
  ]
  for (const [who, manifests, found] of clients)
    it(`the metadata of a query from ${who} is ${JSON.stringify(found)}`, async (t) =>
      assert.deepEqual(await metadataOf(t, 'example.org. A', manifests), found))

  it('no query has metadata of kubernetes without the plugin metadata', async (t) =>
    assert.deepEqual(await metadataOf(t, 'web.shop.svc.cluster.local. A', pod('shop', 'a'), ''), {}))
})
