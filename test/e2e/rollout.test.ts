/** adaptive_ttl in the server as it runs: TTLs of the answers while pods are replaced, and across a reload. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const name = 'db.shop.svc.cluster.local'

interface Answered {
  readonly ttl: number
  /** Last octets. */
  readonly pods: string
}

describe('a rolling update', { skip: without('dig') }, () => {
  let api: ApiServer
  let kubeconfig: string
  before(async () => {
    api = await startApiServer()
    kubeconfig = api.kubeconfig()
    api.put(
      { kind: 'Namespace', metadata: { name: 'shop' } },
      {
        kind: 'Service',
        metadata: { namespace: 'shop', name: 'db' },
        spec: { clusterIP: 'None', clusterIPs: ['None'] },
      },
    )
  })
  after(() => api.stop())

  /** `pods`: last octet of the address to the endpoint's conditions. */
  function put(pods: Readonly<Record<number, object>>): void {
    api.put({
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', name: 'db-a', labels: { 'kubernetes.io/service-name': 'db' } },
      addressType: 'IPv4',
      ports: [],
      endpoints: Object.entries(pods).map(([last, conditions]) => ({ addresses: [`10.0.0.${last}`], conditions })),
    })
  }

  const corefile = (options: string) => (ports: { dns: number; ready: number }) =>
    `.:${ports.dns} {
    bind 127.0.0.1
    ready 127.0.0.1:${ports.ready}
    kubernetes cluster.local {
      kubeconfig ${kubeconfig}
      ${options}
    }
  }`

  async function ask(server: RunningServer): Promise<Answered> {
    const { answer } = await server.dig(name, 'A')
    const records = answer.map((line) => line.split(/\s+/))
    return {
      ttl: Number(records[0]![1]),
      pods: records
        .map(([, , , , address]) => address!.split('.')[3]!)
        .sort()
        .join(' '),
    }
  }

  const [ready, unready, leaving] = [
    { ready: true },
    { ready: false },
    { ready: false, serving: true, terminating: true },
  ]

  test('a rolling update has the TTL MIN from the first change to SETTLE after the last, and MAX again by itself', async (t) => {
    put({ 1: ready, 2: ready })
    const server = await startServer({ waitFor: 'ready', corefile: corefile('adaptive_ttl 1 30 5s') })
    t.after(() => server.stop())
    const recorded: Answered[] = []
    const answered = async (pods: string): Promise<void> => {
      await until(async () => {
        const answer = await ask(server)
        recorded.push(answer)
        assert.equal(answer.pods, pods)
      })
    }
    await answered('1 2')
    for (const [pods, wanted] of [
      [{ 1: ready, 2: ready, 3: unready }, '1 2'],
      [{ 1: ready, 2: ready, 3: ready }, '1 2 3'],
      [{ 1: leaving, 2: ready, 3: ready }, '2 3'],
      [{ 2: ready, 3: ready }, '2 3'],
      [{ 2: ready, 3: ready, 4: ready }, '2 3 4'],
      [{ 2: leaving, 3: ready, 4: ready }, '3 4'],
      [{ 3: ready, 4: ready }, '3 4'],
    ] as const) {
      put(pods)
      await answered(wanted)
    }
    // Nothing happens any more, and nobody need have asked meanwhile.
    await until(async () => {
      const answer = await ask(server)
      recorded.push(answer)
      assert.equal(answer.ttl, 30)
    })
    assert.deepEqual(recorded[0], { ttl: 30, pods: '1 2' })
    assert.deepEqual(recorded.at(-1), { ttl: 30, pods: '3 4' })
    const ofOthers = recorded.filter(({ pods }) => pods !== '1 2' && pods !== '3 4')
    assert.ok(ofOthers.length >= 3)
    for (const { ttl, pods } of ofOthers) assert.equal(ttl, 1, `pods ${pods}`)
  })

  test('a rolling update is still unsettled after a reload that leaves SETTLE as it is', async (t) => {
    put({ 1: ready })
    const server = await startServer({ waitFor: 'ready', corefile: corefile('adaptive_ttl 1 30 10m') })
    t.after(() => server.stop())
    assert.deepEqual(await ask(server), { ttl: 30, pods: '1' })
    put({ 1: ready, 2: ready })
    await until(async () => assert.deepEqual(await ask(server), { ttl: 1, pods: '1 2' }))
    writeFileSync(server.corefile, corefile('adaptive_ttl 2 40 10m')(server.ports))
    server.signal('SIGUSR1')
    await until(async () => assert.deepEqual(await ask(server), { ttl: 2, pods: '1 2' }))
  })
})
