/** A thread without a free slot, and the questions that it has lent to the chain. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linux } from '../../../src/libc/libc.ts'
import { createExchanges } from '../../../src/transport/udp/relay/exchanges.ts'
import { createGivingUp, type GivingUpOptions } from '../../../src/transport/udp/relay/giving-up.ts'
import type { Route } from '../../../src/transport/udp/relay/plans.ts'
import type { UpstreamStates } from '../../../src/transport/udp/relay/upstreams.ts'

/** As many exchanges as there are slots; returns what the chain learns of them. */
function startFull() {
  const sockets = { end: () => undefined }
  const states = { at: () => ({ sockets }) } as unknown as UpstreamStates
  const route = { hasOne: false, leave: () => undefined } as unknown as Route
  const told: (readonly [slot: number, errno: number])[] = []
  const handOver = { lost: (slot: number, errno: number) => void told.push([slot, errno]) }
  const exchanges = createExchanges(states)
  const { slots } = exchanges
  const givingUp = createGivingUp({ exchanges, states, handOver } as unknown as GivingUpOptions)
  for (let id = 0; slots.used() < slots.size; id++) exchanges.begin(slots.take(), route, 0, id % 256, id, id)
  return { exchanges, slots, givingUp, told }
}

test('the slot that was lent first goes to the new question, and the chain hears that no answer comes to the old one', () => {
  const { exchanges, slots, givingUp, told } = startFull()
  for (const slot of [30, 10, 20]) exchanges.lend(slot)
  assert.equal(slots.take(), -1)
  for (const slot of [30, 10, 20]) {
    assert.ok(givingUp.makeRoom())
    assert.deepEqual(told.at(-1), [slot, linux.ECANCELED])
    assert.equal(slots.take(), slot)
  }
})

test('no slot is taken from a question that the chain does not have', () => {
  const { slots, givingUp, told } = startFull()
  assert.equal(givingUp.makeRoom(), false)
  assert.equal(slots.take(), -1)
  assert.deepEqual(told, [])
})
