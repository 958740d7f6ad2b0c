import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { findings } from '../../src/cli/health.ts'
import { run } from '../../src/cli/status.ts'
import type { ConsoleState, ServerStatus } from '../../src/console/state.ts'
import { listenLocally } from '../../src/local-socket/index.ts'
import { consoleState } from './console-state.ts'
import { terminal } from './support.ts'

type Changes = Partial<Omit<ConsoleState, 'server'>> & { readonly server?: Partial<ConsoleState['server']> }

const api: ConsoleState['api'][number] = {
  plugin: 'kubernetes',
  zones: ['cluster.local.'],
  endpoint: 'https://api:6443',
  connected: true,
  watches: [{ resource: 'services', objects: 12, synced: true, age: 7 }],
}

/** A server on which nothing is wrong, but for the changes. */
const stateWith = ({ server, ...others }: Changes): ConsoleState => ({
  ...consoleState,
  problems: [],
  upstreams: [],
  api: [api],
  ...others,
  server: { ...consoleState.server, lastReload: { time: consoleState.time, ok: true }, ...server },
})

const upstream = { ...consoleState.upstreams[0], healthy: true, fails: 0 }
const mebibyte = 2 ** 20

const cases: readonly {
  name: string
  changes: Changes
  says: readonly (readonly [severity: string, what: RegExp, advice: RegExp])[]
}[] = [
  { name: 'nothing where nothing is wrong', changes: { upstreams: [upstream] }, says: [] },
  {
    name: 'which plugin is not ready',
    changes: { server: { ready: false, unready: ['kubernetes'] } },
    says: [['failure', /^not ready: kubernetes cannot answer all names yet$/, /log/]],
  },
  {
    name: 'why the last reload failed, and that the old configuration runs',
    changes: { server: { lastReload: { time: consoleState.time - 90_000, ok: false, error: 'Corefile:3:5 - x' } } },
    says: [
      ['failure', /reload failed 1m30s ago, the previous configuration runs: Corefile:3:5 - x/, /slicedns check \/etc/],
    ],
  },
  {
    name: 'since when every reload fails',
    changes: {
      server: {
        lastReload: { time: consoleState.time - 90_000, ok: false, error: 'x', since: consoleState.time - 7_200_000 },
      },
    },
    says: [['failure', /failed 1m30s ago \(the first of them 2h0m ago\), the previous configuration runs: x/, /check/]],
  },
  {
    name: 'that the API server is away, and how old the answers are',
    changes: { api: [{ ...api, connected: false }] },
    says: [['failure', /^https:\/\/api:6443 cannot be reached: answers are those of 7s ago$/, /network policies/]],
  },
  {
    name: 'that answers come from a snapshot',
    changes: { api: [{ ...api, connected: false, snapshot: { age: 7200 } }] },
    says: [['failure', /^answers come from a snapshot 2h0m old: https:\/\/api:6443 has not been read$/, /API server/]],
  },
  {
    name: 'which rights are missing',
    changes: { api: [{ ...api, watches: [{ ...api.watches[0], synced: false, error: 'forbidden' }] }] },
    says: [['failure', /^services have not been read: forbidden$/, /^allow list and watch of services: /]],
  },
  {
    name: 'which watch fails',
    changes: { api: [{ ...api, watches: [{ ...api.watches[0], error: 'silent' }] }] },
    says: [['warning', /^services are 7s old: silent$/, /tried again/]],
  },
  {
    name: 'that objects differ from the API server’s',
    changes: { api: [{ ...api, freshness: { time: 0, ok: false, detail: '2 services are missing' } }] },
    says: [['failure', /^the API server has other objects: 2 services are missing$/, /read again/]],
  },
  {
    name: 'memory near its limit',
    changes: { server: { memory: { resident: 150 * mebibyte, limit: 170 * mebibyte } } },
    says: [['warning', /^memory: 150 MiB of 170 MiB \(88 %\)$/, /raise the limit/]],
  },
  {
    name: 'memory at its limit',
    changes: { server: { memory: { resident: 169 * mebibyte, limit: 170 * mebibyte } } },
    says: [['failure', /^memory: 169 MiB/, /raise the limit/]],
  },
  {
    name: 'an upstream of several that is down',
    changes: { upstreams: [upstream, { ...upstream, to: '10.0.0.3:53', healthy: false }] },
    says: [['warning', /^upstreams of forward \. are down: 10\.0\.0\.3:53$/, /slicedns query/]],
  },
  {
    name: 'a zone without an upstream that answers, whatever those of others do',
    changes: {
      upstreams: [
        { ...upstream, healthy: false },
        { ...upstream, from: 'example.org.' },
      ],
    },
    says: [['failure', /^no upstream of forward \. answers: 10\.0\.0\.2:53$/, /slicedns query/]],
  },
  {
    name: 'annotations that are ignored',
    changes: { problems: [consoleState.problems[0], consoleState.problems[0]] },
    says: [['warning', /^annotations are ignored: slicedns\.io\/ttl of Service shop\/web, and 1 more$/, /explain/]],
  },
]

describe('what is wrong with a server', () => {
  for (const { name, changes, says } of cases)
    test(`slicedns status says ${name}, and what to do`, () => {
      const found = findings(stateWith(changes))
      assert.equal(found.length, says.length, JSON.stringify(found))
      for (const [index, [severity, what, advice]] of says.entries()) {
        assert.equal(found[index].severity, severity)
        assert.match(found[index].what, what)
        assert.match(found[index].advice, advice)
      }
    })
})

describe('slicedns status', { skip: process.platform !== 'linux' }, () => {
  let state = stateWith({})
  const status: ServerStatus = {
    ...consoleState.server,
    sources: [{ plugin: 'kubernetes', zones: ['cluster.local.'] }],
  }
  const server = createServer((request, response) => {
    response.end(JSON.stringify(request.url === '/state' ? state : status))
  })
  before(async () => {
    await listenLocally(server)
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  const asked = async (...args: string[]) => {
    const io = terminal()
    const code = await run([...args, '--pid', String(process.pid)], io)
    return { code, out: io.out(), err: io.err() }
  }

  test('slicedns status of a healthy server fits one screen and exits with 0', async () => {
    state = stateWith({})
    const { code, out } = await asked()
    assert.equal(code, 0)
    assert.match(out, /^healthy +yes$/m)
    assert.match(out, /^host +node-a, memory 120 MiB of 170 MiB \(71 %\)$/m)
    assert.match(out, /^kubernetes +https:\/\/api:6443, connected\n +services: 12, last event 7s ago$/m)
    assert.match(out, /^services +3, 1 without a ready endpoint$/m)
    assert.ok(out.split('\n').length <= 24, out)
  })

  test('slicedns status gives the durations of queries, and none where nothing has been asked', async () => {
    state = stateWith({})
    assert.match((await asked()).out, /^queries +12\.3k\/s, p50 0\.05 ms, p99 1\.2 ms in the last minute$/m)
    const { traffic } = consoleState
    state = stateWith({ traffic: { ...traffic, queries: 0, latency: { p50: 0, p99: 0 } } })
    assert.match((await asked()).out, /^queries +0\/s$/m)
  })

  test('slicedns status of a server that is not healthy says so first, and exits with 1', async () => {
    state = stateWith({ api: [{ ...api, connected: false }] })
    const { code, out } = await asked()
    assert.equal(code, 1)
    assert.match(
      out,
      /^healthy +no\n +failure: https:\/\/api:6443 cannot be reached: .*\n +to do: bring the API server back/,
    )
  })

  test('slicedns status with warnings alone exits with 0', async () => {
    state = stateWith({ problems: consoleState.problems })
    const { code, out } = await asked('--json')
    const { healthy, findings: found, ready } = JSON.parse(out)
    assert.deepEqual([code, healthy, ready, found.length], [0, true, true, 1])
  })
})
