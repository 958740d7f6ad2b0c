import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createEventFeed, type EventSubscriber, type Phase, phases } from '../../../src/k8s/model/event-feed.ts'
import type { ClusterView } from '../../../src/k8s/model/types.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'

const service = (name: string) => ({ kind: 'Service', metadata: { namespace: 'shop', name }, spec: {} })

const noView = {} as ClusterView

/** A feed, what its subscribers heard, and what was reported of them. */
function openFeed() {
  const heard: string[] = []
  const reported: unknown[] = []
  const feed = createEventFeed(noView, (error) => void reported.push(error))
  const follow = (phase: Phase, name: string = phase, more: EventSubscriber = {}) =>
    feed.subscribe(phase, { service: (_, service) => void heard.push(`${name} ${service}`), ...more })
  const change = (name: string) => feed.deliver((subscriber) => subscriber.service?.('shop', name))
  return { feed, heard, reported, follow, change }
}

describe('the phases of an event', () => {
  const orders: readonly (readonly Phase[])[] = [
    phases,
    phases.toReversed(),
    ['publishing', 'indexes', 'observers', 'heldQueries'],
  ]
  for (const order of orders) {
    test(`the phases of an event follow one another as declared when the subscribers came as ${order.join(', ')}`, () => {
      const { heard, follow, change } = openFeed()
      for (const phase of order) follow(phase)
      change('web')
      assert.deepEqual(heard, ['indexes web', 'heldQueries web', 'publishing web', 'observers web'])
    })
  }

  test('the phases of an event are complete one by one: every index follows the event before any query waiting for it is answered', () => {
    const { heard, follow, change } = openFeed()
    follow('heldQueries', 'held 1')
    follow('indexes', 'index 1')
    follow('heldQueries', 'held 2')
    follow('indexes', 'index 2')
    change('web')
    assert.deepEqual(heard, ['index 1 web', 'index 2 web', 'held 1 web', 'held 2 web'])
  })
})

describe('a subscriber', () => {
  test('a subscriber gets the state and then every change after it, without a gap and without a repeat', () => {
    const cluster = createFakeCluster()
    cluster.apply(service('before'))
    const names = new Set<string>()
    const heard: string[] = []
    cluster.subscribe('observers', {
      snapshot: (view) => {
        for (const { name } of view.services()) names.add(name)
      },
      service: (_, name) => void heard.push(name),
    })
    assert.deepEqual([...names], ['before'])
    assert.deepEqual(heard, [])
    cluster.apply(service('after'))
    cluster.remove('Service', 'shop', 'before')
    assert.deepEqual(heard, ['after', 'before'])
  })

  test('a subscriber that comes during a delivery has that change in its snapshot, and hears only of the next', () => {
    const cluster = createFakeCluster()
    const late: string[] = []
    const snapshots: string[][] = []
    const first = cluster.subscribe('indexes', {
      service() {
        first.unsubscribe()
        cluster.subscribe('observers', {
          snapshot: (view) => void snapshots.push([...view.services()].map(({ name }) => name)),
          service: (_, name) => void late.push(name),
        })
      },
    })
    cluster.apply(service('web'))
    assert.deepEqual(snapshots, [['web']])
    assert.deepEqual(late, [])
    cluster.apply(service('api'))
    assert.deepEqual(late, ['api'])
  })

  test('a subscriber that throws does not keep the event from those after it, and stays subscribed', () => {
    const { heard, reported, follow, change } = openFeed()
    const fault = new Error('a bug')
    follow('indexes', 'broken', {
      service() {
        throw fault
      },
    })
    follow('indexes', 'sound')
    follow('observers')
    change('web')
    change('api')
    assert.deepEqual(heard, ['sound web', 'observers web', 'sound api', 'observers api'])
    assert.deepEqual(reported, [fault, fault])
  })

  test('a subscriber that leaves during a delivery is not called for the event that is being delivered', () => {
    const { heard, follow, change } = openFeed()
    const subscriptions: { unsubscribe(): void }[] = []
    follow('indexes', 'index', { service: () => subscriptions[0].unsubscribe() })
    subscriptions.push(follow('observers', 'gone'))
    follow('observers', 'stays')
    change('web')
    assert.deepEqual(heard, ['stays web'])
  })

  test('a subscriber that leaves itself while it is called does not make the feed pass over the next one', () => {
    const { heard, follow, change } = openFeed()
    const own = follow('indexes', 'once', {
      service() {
        own.unsubscribe()
        heard.push('once')
      },
    })
    follow('indexes', 'next')
    change('web')
    change('api')
    assert.deepEqual(heard, ['once', 'next web', 'next api'])
  })

  test('a subscriber of addresses is what makes the model work out which addresses changed', () => {
    const { feed, follow } = openFeed()
    assert.equal(feed.hasSubscribers('address'), false)
    const subscription = follow('publishing', 'table', { address() {} })
    assert.equal(feed.hasSubscribers('address'), true)
    subscription.unsubscribe()
    assert.equal(feed.hasSubscribers('address'), false)
  })
})
