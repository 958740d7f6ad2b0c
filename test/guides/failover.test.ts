/** docs/failover.md: its figures, measured on clients and kubelets of simulated time; its manifests, on a real cluster. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { slice, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { createKubernetesHarness } from '../support/kubernetes-harness.ts'
import { without } from '../support/peers.ts'
import { readA } from '../support/record.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { kubectl, readGuide } from './guide.ts'

const guide = readGuide('failover')

/** Seconds of simulated time. */
const step = 0.25
/** As many clients as find every moment to ask. */
const clients = 240

interface Timeline {
  /** Lines of a kubernetes block. */
  readonly options: string
  /** What happens, in cluster notation, at which second. */
  readonly events: readonly { readonly at: number; readonly lines: string }[]
  /** When each address is no longer worth asking. */
  readonly gone: ReadonlyMap<string, number>
  readonly end: number
}

const name = 'db.shop.svc.cluster.local.'

/** The longest time, in seconds, that any client goes on sending requests to an address that is gone. */
async function longestUse({ options, events, gone, end }: Timeline): Promise<number> {
  const cluster = createKubernetesHarness({
    options,
    cluster: `service db shop headless\n${pods([1, 2, 3, 4], 'ready')}`,
  })
  await cluster.settled()
  const caches = Array.from({ length: clients }, (_, at) => ({ addresses: [] as string[], until: (at / clients) * 30 }))
  const lastUse = new Map<string, number>()
  const left = [...events]
  for (let now = 0; now <= end; now += step) {
    const due = left.filter(({ at }) => at <= now)
    for (const { lines } of due) cluster.apply(lines)
    left.splice(0, due.length)
    await cluster.settled()
    for (const cache of caches) {
      if (now >= cache.until) {
        const reply = cluster.askTable(name, 'A') ?? (await cluster.askChain(name, 'A', {}))
        assert.ok(reply !== 'next' && reply.answer.length > 0, 'somebody is always there')
        cache.addresses = reply.answer.map((record) => readA(record.rdata))
        cache.until = now + reply.answer[0]!.ttl
      }
      // Whichever of them a client picks: none is spared.
      for (const address of cache.addresses) lastUse.set(address, now)
    }
    cluster.pass(step * 1000)
  }
  // The worst client asks just before an event, a step later than any of ours, and uses the answer to the end of its last step.
  return Math.max(...[...gone].map(([address, at]) => lastUse.get(address)! + 2 * step - at))
}

const addressOf = (pod: number): string => `10.0.0.${pod}`
const pods = (which: readonly number[], state: string): string =>
  which.map((pod) => `endpoint db shop ${addressOf(pod)} ${state}`).join('\n')

describe('docs/failover.md: a pod that fails without a word', () => {
  interface Probe {
    readonly period: number
    readonly failures: number
    readonly timeout: number
  }

  /** The kubelet: a probe each period, the first one so many seconds after the pod has failed. */
  async function longest(ttl: number, { period, failures, timeout }: Probe): Promise<number> {
    const failsAt = 60
    const found: number[] = []
    for (const first of [step, period / 2, period]) {
      const noticedAt = failsAt + first + period * (failures - 1) + timeout
      found.push(
        await longestUse({
          options: `ttl ${ttl}`,
          events: [{ at: noticedAt, lines: pods([1], 'notReady') }],
          gone: new Map([[addressOf(1), failsAt]]),
          end: noticedAt + ttl + 5,
        }),
      )
    }
    return Math.max(...found)
  }

  const defaults = { period: 10, failures: 3, timeout: 1 }
  const quick = { period: 5, failures: 1, timeout: 1 }
  const rows: readonly (readonly [string, number, Probe, number])[] = [
    ["Kubernetes' defaults: every 10 s, 3 failures, 1 s", 30, defaults, 61],
    ['the same', 5, defaults, 36],
    ['every 5 s, 1 failure, 1 s', 30, quick, 36],
    ['every 5 s, 1 failure, 1 s', 5, quick, 11],
  ]
  for (const [probe, ttl, settings, seconds] of rows) {
    test(`a pod that fails without a word is asked for at most ${seconds} s with TTL ${ttl} (${probe}), as the guide says`, async () => {
      assert.equal(await longest(ttl, settings), seconds)
      assert.ok(guide.text.includes(`| ${probe} | ${ttl} s | ${seconds} s |`))
    })
  }
})

describe('docs/failover.md: a pod that a rollout ends', () => {
  const begin = 90

  /** One pod after the other: a new one comes, is ready after 5 s, and an old one goes `minReady` seconds later. */
  function rollout(minReady: number): Pick<Timeline, 'events' | 'gone' | 'end'> {
    const events: { at: number; lines: string }[] = []
    const gone = new Map<string, number>()
    let at = begin
    for (const old of [1, 2, 3, 4]) {
      const young = old + 4
      events.push({ at, lines: pods([young], 'notReady') })
      at += 5
      events.push({ at, lines: pods([young], 'ready') })
      at += minReady
      events.push({ at, lines: `endpoint db shop ${addressOf(old)} notReady serving terminating` })
      gone.set(addressOf(old), at)
      at += 5
      events.push({ at, lines: `remove endpoint db shop ${addressOf(old)}` })
    }
    return { events, gone, end: at + 60 }
  }

  const annotated = { at: begin - 30, lines: 'annotate service db shop slicedns.io/ttl 5' }
  const ways = [
    { way: 'TTL 30, nothing done', timeline: { options: 'ttl 30', ...rollout(0) }, seconds: 30 },
    {
      way: '`slicedns.io/ttl: "5"`, set one old TTL (30 s) before the rollout',
      timeline: { options: 'ttl 30', ...rollout(0), events: [annotated, ...rollout(0).events] },
      seconds: 5,
    },
    {
      way: '`adaptive_ttl 5 30`, nothing else',
      timeline: { options: 'ttl 30\nadaptive_ttl 5 30', ...rollout(0) },
      seconds: 25,
    },
    {
      way: '`adaptive_ttl 5 30`, with `maxUnavailable: 0`, `maxSurge: 1` and `minReadySeconds: 30`',
      timeline: { options: 'ttl 30\nadaptive_ttl 5 30', ...rollout(30) },
      seconds: 5,
    },
  ]
  for (const { way, timeline, seconds } of ways) {
    test(`a pod that a rollout ends is asked for at most ${seconds} s: ${way}, as the guide says`, async () => {
      assert.equal(await longestUse(timeline), seconds)
      assert.ok(guide.text.includes(`| ${way} | ${seconds} s |`))
    })
  }
})

describe('docs/failover.md: manifests, commands and Corefile', () => {
  const skip = without(...controlPlanePrograms, 'kubectl', 'dig')
  let cluster: TestCluster
  let server: RunningServer

  before(async () => {
    if (skip) return
    cluster = await startCluster()
  })
  after(async () => {
    await server?.stop()
    await cluster?.stop()
  })

  test('the manifests and commands of docs/failover.md do as it says', { skip }, async () => {
    assert.equal(guide.next('text').text.includes('+ TTL'), true)
    const cli = kubectl(cluster.kubeconfig(cluster.adminToken))
    await cli.apply(guide.next('yaml').text)
    const endpoints = ['10.9.0.1', '10.9.0.2']
    await cluster.create(slice({ namespace: 'default', name: 'db-x', service: 'db', endpoints }))
    const option = /adaptive_ttl .*/.exec(guide.next('corefile').text)![0]
    server = await cluster.serve({ kubernetes: [option] })
    const ttlIs = (seconds: number) =>
      until(async () => {
        const { answer } = await server.dig('db.default.svc.cluster.local', 'A')
        assert.deepEqual([...new Set(answer.map((record) => record.split(' ')[1]))], [String(seconds)])
      })
    await ttlIs(5)
    const [set, restart, unset] = guide.next('console').text.split('\n')
    await cli.shell(unset!)
    await ttlIs(30)
    await cli.shell(set!)
    await ttlIs(5)
    await cli.shell(restart!)
    await cli.shell(unset!)
    await ttlIs(30)
    // One that is not ready any more unsettles the rest.
    const endpoint = (address: string, ready: boolean) => ({ addresses: [address], conditions: { ready } })
    await cluster.change('EndpointSlice', 'default', 'db-x', {
      endpoints: [endpoint('10.9.0.1', true), endpoint('10.9.0.2', false)],
    })
    await ttlIs(5)
    guide.end()
  })
})
