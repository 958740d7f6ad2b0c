/** When a UDP thread is behind, and whose outside names it then sheds. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createBacklog } from '../../src/transport/udp/backlog.ts'

const capacity = 8 << 20
const full = 64

interface Step {
  /** Octets that the kernel has queued. */
  readonly used: number
  /** Microseconds of processor time that the thread takes for a query. */
  readonly pace: number
  readonly messages?: number
}

/** The state after each step; a step is as many batches as lie between two looks at the queue. */
function states(steps: readonly Step[]): string[] {
  let used = 0
  let busy = 1000
  const backlog = createBacklog(
    () => ({ used, capacity }),
    () => busy,
  )
  return steps.map((step) => {
    used = step.used
    for (let batch = 0; batch < 3; batch++) {
      backlog.received(step.messages ?? full)
      busy += (full * step.pace) / 1000
    }
    if (!backlog.behind()) return 'none'
    let admitted = 0
    while (admitted < 1000 && backlog.admits()) admitted++
    return admitted === 1000 ? 'heaviest' : `all but ${admitted}`
  })
}

const cases: readonly {
  readonly title: string
  readonly steps: readonly Step[]
  readonly expected: readonly string[]
}[] = [
  {
    title: 'nothing is shed while a new query would wait for less than 10 ms',
    steps: [{ used: 1 << 20, pace: 10 }],
    expected: ['none'],
  },
  {
    title: 'the heaviest clients are shed when it would wait for longer',
    steps: [{ used: 2 << 20, pace: 12 }],
    expected: ['heaviest'],
  },
  {
    title: 'so they are when half of the room is taken, however fast the thread is',
    steps: [{ used: 5 << 20, pace: 0.5 }],
    expected: ['heaviest'],
  },
  {
    title: 'all but a sixteenth are shed when the kernel is about to drop queries of everybody',
    steps: [{ used: (7 << 20) + 800_000, pace: 1 }],
    expected: ['all but 8'],
  },
  {
    title: 'all but a sixteenth are shed when a new query would wait for 40 ms',
    steps: [{ used: 3 << 20, pace: 30 }],
    expected: ['all but 8'],
  },
  {
    title: 'shedding goes on at its faster pace until little is queued, then it ends',
    steps: [
      { used: 2 << 20, pace: 12 },
      { used: 1 << 20, pace: 2 },
      { used: 600_000, pace: 2 },
      { used: 300_000, pace: 2 },
    ],
    expected: ['heaviest', 'heaviest', 'heaviest', 'none'],
  },
  {
    title: 'a batch that is not full ends it at once: the queue is empty',
    steps: [
      { used: 4 << 20, pace: 12 },
      { used: 4 << 20, pace: 12, messages: 63 },
    ],
    expected: ['heaviest', 'none'],
  },
]

describe('the backlog of a UDP thread', () => {
  for (const { title, steps, expected } of cases)
    test(`a UDP thread's backlog: ${title}`, () => assert.deepEqual(states(steps), expected))

  test('nothing is shed where the system does not tell what is queued', () => {
    let busy = 0
    const backlog = createBacklog(
      () => undefined,
      () => busy,
    )
    for (let batch = 0; batch < 100; batch++) {
      backlog.received(full)
      busy += 1000
    }
    assert.equal(backlog.behind(), false)
  })
})

describe('what a UDP thread that is behind sheds and cuts', () => {
  /** Full batches with replies of so many octets, until the thread has looked at its queue. */
  function opened({ used = 2 << 20, octets = 100 } = {}) {
    let busy = 1000
    let queued = used
    const backlog = createBacklog(
      () => ({ used: queued, capacity }),
      () => busy,
    )
    const serve = (batches: number, replyOctets: number, messages = full): void => {
      for (let batch = 0; batch < batches; batch++) {
        backlog.received(messages)
        for (let i = 0; i < messages; i++) backlog.replied(replyOctets)
        busy += 1
      }
    }
    serve(4, octets)
    const setQueued = (to: number): void => {
      queued = to
    }
    return { backlog, serve, setQueued }
  }

  for (const [title, { used, octets, cuts }] of Object.entries({
    'large replies are cut': { used: 2 << 20, octets: 60_000, cuts: true },
    'replies of up to 1,232 octets are no reason to cut others': { used: 2 << 20, octets: 1232, cuts: false },
    'nothing is cut while the queue is short': { used: 100_000, octets: 60_000, cuts: false },
  }))
    test(`a UDP thread with a backlog: ${title}`, () => {
      assert.equal(opened({ used, octets }).backlog.cuts(), cuts)
    })

  test('a UDP thread with a backlog goes on cutting though the replies have become small, until little is queued', () => {
    const { backlog, serve, setQueued } = opened({ octets: 60_000 })
    serve(10, 1232)
    assert.equal(backlog.cuts(), true)
    setQueued(1000)
    serve(3, 1232)
    assert.equal(backlog.cuts(), false)
  })

  test('a UDP thread with a backlog cuts no more once a batch is not full', () => {
    const { backlog, serve } = opened({ octets: 60_000 })
    serve(1, 60_000, full - 1)
    assert.equal(backlog.cuts(), false)
  })

  test('a UDP thread with a backlog takes four outside names between two looks for few', () => {
    const { backlog, serve } = opened()
    const asked = Array.from({ length: 6 }, () => backlog.areFew())
    assert.deepEqual(asked, [true, true, true, true, false, false])
    serve(2, 100)
    assert.equal(backlog.areFew(), true)
  })

  test('a UDP thread with a backlog has the kernel drop no outside names while they are few', () => {
    const { backlog, serve } = opened()
    for (let i = 0; i < 4; i++) backlog.areFew()
    assert.equal(backlog.behindWithOutside(), false)
    backlog.areFew()
    assert.equal(backlog.behindWithOutside(), true)
    serve(2, 100)
    assert.equal(backlog.behindWithOutside(), true)
    serve(2, 100)
    assert.equal(backlog.behindWithOutside(), false)
  })
})
