/** docs/reliability.md: queries that come while a server reads its snapshot wait for it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Cluster } from '../../../src/k8s/model/cluster.ts'
import type { EventSubscriber } from '../../../src/k8s/model/event-feed.ts'
import { createStartGate } from '../../../src/plugins/kubernetes/start-gate.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

function openGate(synced = false) {
  const clock = createFakeClock()
  const gate = createStartGate(clock, createMetrics())
  const view = { synced }
  let subscriber: EventSubscriber | undefined
  gate.start({
    view: view as Cluster['view'],
    subscribe: (_phase, given) => {
      subscriber = given
      return { unsubscribe: () => (subscriber = undefined) }
    },
  })
  const events: string[] = []
  const slot = () => {
    events.push('released')
    return () => void events.push('taken again')
  }
  const ask = () => gate.wait({ releaseSlot: slot })
  const sync = () => {
    view.synced = true
    subscriber?.sync?.()
  }
  return { clock, gate, events, ask, sync, event: () => subscriber?.sync?.() }
}

describe('queries at the start of a server that keeps a snapshot', () => {
  it('queries wait until the cluster is known, without a place in the chain', async () => {
    const { ask, sync, events } = openGate()
    const waiting = ask()
    assert.deepEqual(events, ['released'])
    sync()
    await waiting
    assert.deepEqual(events, ['released', 'taken again'])
    assert.equal(ask(), undefined)
  })

  it('queries go on waiting while only a part of it is known', async () => {
    const { ask, event, sync } = openGate()
    event()
    assert.notEqual(ask(), undefined)
    sync()
    await ask()
  })

  it('queries wait for two seconds at most', async () => {
    const { ask, clock } = openGate()
    const waiting = ask()
    clock.advance(1999)
    assert.notEqual(ask(), undefined)
    clock.advance(1)
    await waiting
    assert.equal(ask(), undefined)
  })

  it('queries do not wait where the cluster is known already, as after a reload', () => {
    const { ask } = openGate(true)
    assert.equal(ask(), undefined)
  })

  it('queries are let through when the server ends', async () => {
    const { ask, gate } = openGate()
    const waiting = ask()
    gate.open()
    await waiting
  })

  it('queries do not wait where 2,048 do', () => {
    const { ask } = openGate()
    for (let i = 0; i < 2048; i++) assert.notEqual(ask(), undefined)
    assert.equal(ask(), undefined)
  })
})
