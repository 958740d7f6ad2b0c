/** The TTLs that answers had, second by second, while a headless service was rolled out. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createKubernetesHarness } from '../../support/kubernetes-harness.ts'

const name = 'db.shop.svc.cluster.local.'
const endpoint = (pod: number, state: string): string => `endpoint db shop 10.0.0.${pod} ${state}`
const gone = (pod: number): string => `remove endpoint db shop 10.0.0.${pod}`

/**
 * Three pods are replaced one after another, a surge of one: the new one comes, is ready 5 s later, and then an old one
 * terminates for 10 s. By second.
 */
const rollout: ReadonlyMap<number, string> = new Map(
  [0, 1, 2].flatMap((turn): [number, string][] => {
    const [start, old, fresh] = [60 + 20 * turn, 1 + turn, 4 + turn]
    return [
      [start, endpoint(fresh, 'notReady')],
      [start + 5, endpoint(fresh, 'ready')],
      [start + 6, endpoint(old, 'notReady serving terminating')],
      [start + 16, gone(old)],
    ]
  }),
)
const lastChange = 60 + 40 + 16

interface Moment {
  readonly ttl: number
  readonly addresses: number
}

/** What the table answered in each second. */
async function record(options: string, end: number): Promise<Moment[]> {
  const cluster = createKubernetesHarness({
    options,
    cluster: `service db shop headless\n${[1, 2, 3].map((pod) => endpoint(pod, 'ready')).join('\n')}`,
  })
  const moments: Moment[] = []
  for (let second = 0; second < end; second++) {
    cluster.apply(rollout.get(second) ?? '')
    await cluster.settled()
    const reply = cluster.askTable(name, 'A')
    assert.ok(reply && reply.answer.length > 0, `the table answers in second ${second}`)
    assert.equal(new Set(reply.answer.map(({ ttl }) => ttl)).size, 1, 'one RRset, one TTL')
    moments.push({ ttl: reply.answer[0]!.ttl, addresses: reply.answer.length })
    cluster.pass(1000)
  }
  return moments
}

/** The TTLs in turn, with the second that each began in. */
const timeline = (moments: readonly Moment[]): string[] =>
  moments.flatMap(({ ttl }, second) => (ttl === moments[second - 1]?.ttl ? [] : [`${second} s: ${ttl}`]))

describe('the TTLs of a headless service across a rolling update', () => {
  test('the TTLs of a headless service fall with the first event and rise when its endpoints have settled', async () => {
    const moments = await record('adaptive_ttl 2 30 60s', 240)
    assert.deepEqual(timeline(moments), ['0 s: 30', '60 s: 2', `${lastChange + 60} s: 30`])
    assert.deepEqual(
      moments.slice(60, 82).map(({ addresses }) => addresses),
      // One more is ready from second 65, one of the old ones is not any more from second 66.
      [...Array(5).fill(3), 4, ...Array(16).fill(3)],
    )
  })

  test('the TTLs of a headless service rise and fall between two pods that are further apart than SETTLE', async () => {
    assert.deepEqual(timeline(await record('adaptive_ttl 1 20 3s', 130)), [
      '0 s: 20',
      // The new pod is there, and not ready: then it is, and then the old one leaves.
      '60 s: 1',
      '65 s: 20',
      '66 s: 1',
      // The old one is gone.
      '79 s: 20',
      '80 s: 1',
      '85 s: 20',
      '86 s: 1',
      '99 s: 20',
      '100 s: 1',
      '105 s: 20',
      '106 s: 1',
      '119 s: 20',
    ])
  })

  test('the TTLs of a headless service stay as they are without adaptive_ttl', async () => {
    assert.deepEqual(timeline(await record('ttl 30\nttl_headless 7', 130)), ['0 s: 7'])
  })
})
