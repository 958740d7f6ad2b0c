/** Whose turn it is when services are compiled. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createServiceQueue, type DirtyService } from '../../../src/plugins/kubernetes/publish/service-queue.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

/** Names of each service, and the processor time that each name takes. */
interface Size {
  readonly names: number
  readonly cost?: number
}

function createQueueHarness(sizes: Readonly<Record<string, Size>>) {
  const clock = createFakeClock()
  const steps: string[] = []
  let processorTime = 0
  function* compile({ name }: DirtyService): Generator<void> {
    const { names, cost = 0 } = sizes[name]
    for (let i = 0; i < names; i++) {
      processorTime += cost
      steps.push(name)
      yield
    }
  }
  const queue = createServiceQueue({ compile, clock, threadTime: () => processorTime, wake() {} })
  return {
    clock,
    steps,
    queue,
    mark: (name: string, more: Partial<DirtyService> = {}) =>
      queue.mark({ imported: false, namespace: 'shop', name, whole: false, listed: false, ...more }),
    work() {
      while (queue.step());
      return steps.splice(0)
    },
  }
}

describe('services that are to be compiled', () => {
  test('a service of a few names is compiled in one step', () => {
    const { queue, mark, steps } = createQueueHarness({ web: { names: 5 } })
    mark('web')
    queue.step()
    assert.equal(steps.length, 5)
  })

  test('a service is compiled once, however often it was marked', () => {
    const { mark, work } = createQueueHarness({ web: { names: 2 } })
    mark('web')
    mark('web', { whole: true })
    assert.deepEqual(work(), ['web', 'web'])
  })

  test('a small service does not wait for one of 15,000 names that is being compiled', () => {
    const { queue, mark, steps } = createQueueHarness({ big: { names: 15_000 }, web: { names: 2 } })
    mark('big')
    queue.step()
    mark('web')
    steps.length = 0
    queue.step()
    assert.deepEqual(steps, ['web', 'web'])
  })

  test('two large services take turns, a name each', () => {
    const { queue, mark, steps } = createQueueHarness({ a: { names: 1000 }, b: { names: 1000 } })
    mark('a')
    mark('b')
    queue.step()
    queue.step()
    steps.length = 0
    for (let i = 0; i < 4; i++) queue.step()
    assert.deepEqual(steps.toSorted(), ['a', 'a', 'b', 'b'])
  })

  test('a service that is marked while it is being compiled is compiled again after that', () => {
    const { queue, mark, work } = createQueueHarness({ big: { names: 20 } })
    mark('big')
    queue.step()
    mark('big')
    assert.equal(work().length, 40)
  })

  test('services that take long have half of the thread: each pauses all of them for as long as it took', () => {
    const sizes = { big: { names: 1, cost: 30 }, huge: { names: 1, cost: 30 }, web: { names: 1 } }
    const { clock, mark, work } = createQueueHarness(sizes)
    mark('big')
    mark('huge')
    work()
    clock.advance(1000)
    mark('big')
    mark('huge')
    mark('web')
    assert.deepEqual(work(), ['web', 'big'])
    clock.advance(29)
    assert.deepEqual(work(), [])
    clock.advance(1)
    assert.deepEqual(work(), ['huge'])
  })

  test('the queue is listing until every service of the list has been compiled, those that wait for a pause too', () => {
    const { clock, queue, mark, work } = createQueueHarness({ big: { names: 1, cost: 30 } })
    mark('big')
    work()
    mark('big', { listed: true })
    assert.deepEqual(work(), [])
    assert.equal(queue.isListing, true)
    assert.equal(queue.isPending('shop'), true)
    clock.advance(30)
    assert.deepEqual(work(), ['big'])
    assert.equal(queue.isListing, false)
    assert.equal(queue.isPending('shop'), false)
  })
})
