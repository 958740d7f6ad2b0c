/** Who is told of a change, and when: real sockets, a clock that moves when told to. */

import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import type { Message } from '../../../src/dns/message.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { provide } from '../../../src/plugin/capability.ts'
import { type TransferSource, transferSource } from '../../../src/plugins/transfer/capability.ts'
import { transfer } from '../../../src/plugins/transfer/index.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'

/** A secondary that answers NOTIFY with an rcode, or not at all. */
async function secondary(t: TestContext, address = '127.0.0.1') {
  const heard: { readonly message: Message; readonly from: string }[] = []
  const state: { rcode: number | undefined } = { rcode: 0 }
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (octets, from) => {
    heard.push({ message: parseMessage(octets), from: from.address })
    if (state.rcode === undefined) return
    const reply = Buffer.from(octets)
    reply[2]! |= 0x80
    reply[3] = state.rcode
    socket.send(reply, from.port, from.address)
  })
  socket.bind(0, address)
  await once(socket, 'listening')
  t.after(() => socket.close())
  return { heard, state, port: socket.address().port }
}

/** The plugin over a plugin with zone `a.`, whose serial the test moves. */
function createNotifyHarness(t: TestContext, text: string, serialsAreTimes = true) {
  const harness = createPluginHarness()
  const zone: { serial: number | undefined } = { serial: 1 }
  let changed = (): void => undefined
  const source: TransferSource = {
    zones: ['a.'],
    serialsAreTimes,
    serial: () => zone.serial,
    snapshot: () => undefined,
    watch(call: () => void) {
      changed = call
      return { stop() {} }
    },
  }
  const other = { provides: [provide(transferSource, source)] }
  const instance = setUp(transfer, text, harness, { others: { other } })
  instance.serving?.()
  t.after(() => instance.stop?.())
  return {
    ...harness,
    change(serial: number | undefined) {
      zone.serial = serial
      changed()
    },
  }
}

/** Waits until the peer has heard so many, and until its answers are here too: loopback takes no more than a turn. */
async function heardTimes(peer: { heard: readonly unknown[] }, times: number): Promise<void> {
  await until(() => assert.equal(peer.heard.length, times))
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the notifications of transfer', () => {
  it('transfer notifies secondaries that the zone is there, and of each change, for its SOA (RFC 1996)', async (t) => {
    const peer = await secondary(t)
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`)
    harness.clock.advance(1_000)
    await heardTimes(peer, 1)
    const { message } = peer.heard[0]!
    assert.deepEqual(
      [message.opcode, message.response, message.authoritative, message.questions],
      [4, false, true, [{ name: 'a.', type: 6, class: 1 }]],
    )
    harness.change(2)
    harness.clock.advance(5_000)
    await heardTimes(peer, 2)
    assert.deepEqual(harness.lines, [])
  })

  it('transfer notifies secondaries once for many changes, and at most every 5 seconds', async (t) => {
    const peer = await secondary(t)
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`)
    harness.clock.advance(1_000)
    await heardTimes(peer, 1)
    for (let serial = 2; serial < 100; serial++) harness.change(serial)
    harness.clock.advance(4_999)
    assert.equal(peer.heard.length, 1)
    harness.clock.advance(1)
    await heardTimes(peer, 2)
  })

  it('transfer notifies secondaries at once of a zone whose serials are no times, and every 100 ms of many changes', async (t) => {
    const peer = await secondary(t)
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`, false)
    harness.clock.advance(0)
    await heardTimes(peer, 1)
    for (let serial = 2; serial < 100; serial++) harness.change(serial)
    harness.clock.advance(99)
    assert.equal(peer.heard.length, 1)
    harness.clock.advance(1)
    await heardTimes(peer, 2)
    harness.clock.advance(100)
    harness.change(100)
    harness.clock.advance(0)
    await heardTimes(peer, 3)
  })

  it('transfer notifies nobody when the serial stands still, or the zone is not known yet', async (t) => {
    const peer = await secondary(t)
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`)
    harness.change(undefined)
    harness.clock.advance(1_000)
    harness.change(3)
    harness.clock.advance(1_000)
    await heardTimes(peer, 1)
    harness.change(3)
    harness.clock.advance(5_000)
    assert.equal(peer.heard.length, 1)
    harness.change(4)
    harness.clock.advance(1_000)
    await heardTimes(peer, 2)
  })

  it('transfer notifies a secondary three times when it does not answer, and logs it once', async (t) => {
    const peer = await secondary(t)
    peer.state.rcode = undefined
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`)
    harness.clock.advance(1_000)
    for (let times = 1; times <= 3; times++) {
      await heardTimes(peer, times)
      harness.clock.advance(2_000)
    }
    assert.equal(harness.lines.length, 1)
    assert.match(harness.lines[0]!, /^\[WARNING\] plugin\/transfer: NOTIFY for zone a\. to 127\.0\.0\.1:\d+ failed: /)
    harness.change(2)
    harness.clock.advance(1_000)
    for (let times = 4; times <= 6; times++) {
      await heardTimes(peer, times)
      harness.clock.advance(2_000)
    }
    assert.equal(harness.lines.length, 1)
  })

  it('again when one refuses', async (t) => {
    const peer = await secondary(t)
    peer.state.rcode = 9
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`)
    harness.clock.advance(1_000)
    for (let times = 1; times <= 3; times++) {
      await until(() => {
        harness.clock.advance(500)
        assert.equal(peer.heard.length, times)
      })
    }
    await until(() => {
      harness.clock.advance(500)
      assert.match(harness.lines.join('\n'), /: it answered NOTAUTH$/)
    })
  })

  it('transfer notifies a secondary that refused of the next change at once', async (t) => {
    const peer = await secondary(t)
    peer.state.rcode = 9
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\n}`, false)
    harness.clock.advance(0)
    await heardTimes(peer, 1)
    peer.state.rcode = 0
    await until(() => {
      harness.clock.advance(0)
      harness.change(2 + peer.heard.length)
      harness.clock.advance(100)
      assert.ok(peer.heard.length > 1)
    })
  })

  it('transfer notifies secondaries from the address that `source` names', async (t) => {
    const peer = await secondary(t)
    const harness = createNotifyHarness(t, `transfer {\nto 127.0.0.1:${peer.port}\nsource 127.0.0.3\n}`)
    harness.clock.advance(1_000)
    await heardTimes(peer, 1)
    assert.equal(peer.heard[0]!.from, '127.0.0.3')
  })

  it('transfer notifies nobody where only * may transfer', async (t) => {
    const harness = createNotifyHarness(t, 'transfer {\nto *\n}')
    harness.change(2)
    harness.clock.advance(60_000)
    assert.deepEqual(harness.lines, [])
  })

  it('transfer notifies at most 32 secondaries at a time, and the others when these are done', async (t) => {
    const peer = await secondary(t)
    peer.state.rcode = undefined
    const harness = createNotifyHarness(t, `transfer {\nto${` 127.0.0.1:${peer.port}`.repeat(40)}\n}`)
    harness.clock.advance(1000)
    await heardTimes(peer, 32)
    peer.state.rcode = 0
    // The 32 are sent again, and answered.
    harness.clock.advance(2000)
    await heardTimes(peer, 32 + 32 + 8)
  })
})
