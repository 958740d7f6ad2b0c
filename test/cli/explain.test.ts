import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../../src/cli/explain.ts'
import { localServers } from '../../src/cli/running-server.ts'
import { listenLocally } from '../../src/local-socket/index.ts'
import { terminal } from './support.ts'

const explanation = {
  name: 'web.default.svc.cluster.local.',
  type: 'A',
  listener: 'dns://:53',
  zone: 'cluster.local.',
  path: 'chain',
  reason: 'rewrite: may change this name',
  notRelayed: 'forward: force_tcp',
  steps: [
    { plugin: 'errors', lines: [] },
    { plugin: 'kubernetes', lines: ['Service default/web, ClusterIP', 'TTL 5: the ttl of the Corefile'] },
  ],
  rcode: 'NOERROR',
  answer: ['web.default.svc.cluster.local. 5 IN A 10.0.0.1'],
  authority: [],
  additional: [],
}

const afterFailedReload = {
  ...explanation,
  lastReload: { time: 1_764_525_600_000, ok: false, since: 1_764_522_000_000, error: 'Corefile:3:5 - x' },
}

const twice = [
  { ...explanation, answer: ['a. 5 IN A 10.0.0.1', 'a. 5 IN A 10.0.0.2'], notRelayed: 'x\u001b[2J\ny' },
  {
    ...explanation,
    listener: 'dns://[::1]:53',
    answer: ['a. 5 IN A 10.0.0.2', 'a. 5 IN A 10.0.0.1'],
    notRelayed: 'x\u001b[2J\ny',
  },
  { ...explanation, listener: 'tls://:853', rcode: 'REFUSED', answer: [] },
]

const answer: RequestListener = (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  // As a server that hangs.
  if (url.pathname === '/status') return
  const name = url.searchParams.get('name')
  const bad = name === 'a..b'
  response.writeHead(bad ? 400 : 200, { 'content-type': 'application/json' })
  if (name === 'garbage') response.end('<html>')
  else
    response.end(
      JSON.stringify(
        bad
          ? { error: 'an empty label' }
          : name === 'refused'
            ? [afterFailedReload]
            : name === 'twice'
              ? twice
              : name === 'large'
                ? [
                    {
                      ...explanation,
                      answer: Array.from(
                        { length: 4095 },
                        (_, index) => `large. 5 IN A 10.0.${index >> 8}.${index & 255}`,
                      ),
                    },
                  ]
                : [{ ...explanation, type: url.searchParams.get('type') }],
      ),
    )
}

const local = createServer(answer)
const console_ = createServer(answer)
const folder = mkdtempSync(join(tmpdir(), 'slicedns-explain-'))
before(async () => {
  console_.listen(0, '127.0.0.1')
  await Promise.all([listenLocally(local), once(console_, 'listening')])
})
after(() => {
  local.close()
  local.closeAllConnections()
  console_.close()
  rmSync(folder, { recursive: true })
})

const text = `web.default.svc.cluster.local. A at dns://:53: server block of zone cluster.local.
answered by the chain: rewrite: may change this name
not relayed by the UDP threads: forward: force_tcp
  errors
  kubernetes  Service default/web, ClusterIP
              TTL 5: the ttl of the Corefile
NOERROR
answer:
  web.default.svc.cluster.local. 5 IN A 10.0.0.1
`

describe('slicedns explain', () => {
  test('slicedns explain reaches a process by its pid, and prints its explanation', async () => {
    const io = terminal()
    assert.equal(await run(['web', '--pid', String(process.pid)], io), 0, io.err())
    assert.equal(io.out(), text)
  })
  test('slicedns explain says that the Corefile cannot be used, why, and since when', async () => {
    const io = terminal()
    assert.equal(await run(['refused', '--pid', String(process.pid)], io), 0, io.err())
    assert.match(
      io.out(),
      /^by the previous configuration: the Corefile has not been usable since 2025-11-30T17:00:00\.000Z: Corefile:3:5 - x$/m,
    )
  })
  test('slicedns explain reaches a process by its pidfile', async () => {
    const io = terminal()
    writeFileSync(join(folder, 'pid'), `${process.pid}\n`)
    assert.equal(await run(['web', 'A', '--pidfile', join(folder, 'pid')], io), 0, io.err())
    assert.equal(io.out(), text)
  })
  test('slicedns explain reaches a console by its URL, and hands on the type', async () => {
    const io = terminal()
    const { port } = console_.address() as AddressInfo
    assert.equal(await run(['web', 'SRV', '--json', '--server', `http://127.0.0.1:${port}`], io), 0, io.err())
    assert.deepEqual(JSON.parse(io.out()), [{ ...explanation, type: 'SRV' }])
  })

  test('slicedns explain shows 100 records of a large answer and says how many are left, JSON has all', async () => {
    const io = terminal()
    assert.equal(await run(['large', '--pid', String(process.pid)], io), 0, io.err())
    assert.equal(io.out().match(/large\. 5 IN A/g)?.length, 100)
    assert.match(io.out(), /\n {2}3995 more \(all of them: --json\)\n$/)
    const json = terminal()
    assert.equal(await run(['large', '--json', '--pid', String(process.pid)], json), 0, json.err())
    assert.equal(JSON.parse(json.out())[0].answer.length, 4095)
  })

  test('a server that hangs keeps no command waiting that looks for servers', { timeout: 60_000 }, async () => {
    const found = (await localServers()).find(({ pid }) => pid === process.pid)
    assert.deepEqual(found, { pid: process.pid, status: undefined })
  })

  test('slicedns explain finds the server that a process has started by the pid of that process', {
    skip: process.platform !== 'linux',
  }, async () => {
    const io = terminal()
    assert.equal(await run(['web', '--pid', String(process.ppid)], io), 0, io.err())
    assert.equal(io.out(), text)
  })
  test('slicedns explain takes -o json for --json, and no other format', async () => {
    const io = terminal()
    assert.equal(await run(['web', '-o', 'json', '--pid', String(process.pid)], io), 0, io.err())
    assert.deepEqual(JSON.parse(io.out()), [explanation])
    const other = terminal()
    assert.equal(await run(['web', '-o', 'yaml'], other), 2)
    assert.match(other.err(), /^invalid value "yaml" for -o: must be json\n/)
  })

  test('slicedns explain names listeners that say the same together, and what a server says keeps to its line', async () => {
    const io = terminal()
    assert.equal(await run(['twice', '--pid', String(process.pid)], io), 0, io.err())
    assert.match(io.out(), / at dns:\/\/:53 and dns:\/\/\[::1\]:53: server block/)
    assert.equal(io.out().match(/ at \S+/g)?.length, 2)
    assert.match(io.out(), /\n\nweb\.default\.svc\.cluster\.local\. A at tls:\/\/:853: .*\n[\s\S]*\nREFUSED\n$/)
    assert.match(io.out(), /: x\\u001b\[2J\\u000ay\n/)
  })

  const failures: readonly { name: string; args: string[]; code: number; says: RegExp }[] = [
    {
      name: 'an invalid name, with the message of the server',
      args: ['a..b', '--pid', String(process.pid)],
      code: 1,
      says: /^an empty label\n$/,
    },
    {
      name: 'something else at that place',
      args: ['garbage', '--pid', String(process.pid)],
      code: 1,
      says: /is not slicedns: it answered 200 without an explanation/,
    },
    {
      name: 'a process that does not listen',
      args: ['web', '--pid', '1'],
      code: 1,
      says: /^no slicedns process at pid 1 \(it may have exited\)\n$/,
    },
    {
      name: 'a URL where nobody listens',
      args: ['web', '--server', 'http://127.0.0.1:1'],
      code: 1,
      says: /nothing listens at http:\/\/127\.0\.0\.1:1: is the console plugin in its Corefile\?/,
    },
    { name: 'an invalid pid', args: ['web', '--pid', 'x'], code: 1, says: /^invalid pid 'x'\n$/ },
    { name: 'a missing name', args: [], code: 2, says: /^NAME is missing\nUsage: slicedns explain/ },
  ]
  for (const { name, args, code, says } of failures)
    test(`slicedns explain reports ${name}`, async () => {
      const io = terminal()
      assert.equal(await run(args, io), code)
      assert.match(io.err(), says)
    })
})
