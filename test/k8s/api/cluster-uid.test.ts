/** How often the API server is asked which cluster it serves, where it refuses to say. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { type ClusterUid, createClusterUid } from '../../../src/k8s/api/cluster-uid.ts'
import type { ApiResponse, Session } from '../../../src/k8s/api/session.ts'
import { createReducer } from '../../../src/k8s/decode/reduce.ts'
import { createCooperativeScheduler } from '../../../src/scheduling/cooperative-scheduler.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { config } from '../harness.ts'

const minute = 60_000

const forbidden = {
  code: 403,
  body: { kind: 'Status', code: 403, reason: 'Forbidden', message: 'namespaces is forbidden' },
}
const named = {
  code: 200,
  body: {
    kind: 'NamespaceList',
    metadata: { resourceVersion: '7' },
    items: [{ metadata: { name: 'kube-system', uid: 'uid-new' } }],
  },
}

interface Asking {
  readonly uid: ClusterUid
  readonly clock: ReturnType<typeof createFakeClock>
  says: typeof forbidden | typeof named
  asked: number
  readonly session: Session
}

function createAsking(): Asking {
  const clock = createFakeClock()
  const reducer = createReducer(config)
  const get = async (): Promise<ApiResponse> => {
    asking.asked++
    const { code, body } = asking.says
    return {
      status: code,
      contentType: 'application/json',
      retryAfter: undefined,
      body: Readable.from([Buffer.from(JSON.stringify(body))]),
    }
  }
  const uid = createClusterUid({
    connection: { name: 'https://api', get },
    reducer,
    scheduler: createCooperativeScheduler(clock),
    clock,
    signal: new AbortController().signal,
  })
  const asking: Asking = { uid, clock, says: forbidden, asked: 0, session: {} as Session }
  return asking
}

/** Many lists, each of which asks first. */
async function list(asking: Asking, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await asking.uid.of(asking.session)
}

describe('a server that refuses to say which cluster it serves', () => {
  test('a server that says 403 is asked ten times, then once a minute', async () => {
    const asking = createAsking()
    await list(asking, 100)
    assert.equal(asking.asked, 10)
    for (let minutes = 1; minutes <= 5; minutes++) {
      asking.clock.advance(minute)
      await list(asking, 100)
      assert.equal(asking.asked, 10 + minutes)
    }
  })

  test('an answer is believed when the right has been given meanwhile, and not asked again', async () => {
    const asking = createAsking()
    await list(asking, 100)
    asking.says = named
    assert.equal(await asking.uid.of(asking.session), undefined)
    asking.clock.advance(minute)
    assert.equal(await asking.uid.of(asking.session), 'uid-new')
    assert.equal(asking.uid.last, 'uid-new')
    asking.clock.advance(10 * minute)
    await list(asking, 100)
    assert.equal(asking.asked, 11)
  })
})
