/** Connected UDP sockets to one server: when they are closed. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { loadLibc } from '../../src/libc/libc.ts'
import { encodeSocketAddress } from '../../src/libc/sockaddr.ts'
import { createDescriptorPool, createUdpSockets, type UdpSockets } from '../../src/upstream/udp-sockets.ts'

const native = loadLibc()
/** Milliseconds for which a socket takes exchanges (docs/limits.md). */
const life = 10_000

describe('the sockets to an upstream', () => {
  let sockets: UdpSockets
  let epoll: number
  beforeEach(() => {
    epoll = native.epoll()
    const descriptors = createDescriptorPool(new Int32Array(new SharedArrayBuffer(4 * 4)))
    const server = encodeSocketAddress(native, '127.0.0.1', 53)
    sockets = createUdpSockets({ native, server, source: undefined, epoll, tag: 0, size: 4, descriptors })
  })
  afterEach(() => {
    sockets.close()
    native.close(epoll)
  })

  it('a socket is closed when its time is over, though nobody asks the upstream any more', () => {
    const index = sockets.draw(0)
    sockets.end(index)
    assert.equal(sockets.retireAt(), life)
    sockets.retire(life - 1)
    assert.ok(sockets.fd(index) >= 0)
    sockets.retire(life)
    assert.equal(sockets.fd(index), -1)
    assert.equal(sockets.retireAt(), Number.POSITIVE_INFINITY)
  })

  it('a socket that is spent begins no exchange any more, and is closed when those under way have ended', () => {
    const index = sockets.draw(0)
    sockets.spend(index)
    for (let i = 0; i < 100; i++) assert.notEqual(sockets.draw(0), index)
    assert.ok(sockets.fd(index) >= 0)
    sockets.end(index)
    assert.equal(sockets.fd(index), -1)
  })

  it('a socket stays open while an exchange is under way, and is looked at again a second later', () => {
    const index = sockets.draw(0)
    sockets.retire(life)
    assert.ok(sockets.fd(index) >= 0)
    assert.equal(sockets.retireAt(), life + 1000)
    sockets.end(index)
    sockets.retire(life + 1000)
    assert.equal(sockets.fd(index), -1)
  })
})
