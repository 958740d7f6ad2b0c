/** What a client of HTTP/2 may do to a connection, frame by frame. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Miss } from '../../../src/server/ingress.ts'
import {
  createFrameReader,
  errorCode,
  type Frame,
  flag,
  frameType,
  preface,
  setting,
  settingsPayload,
  uint32,
} from '../../../src/transport/http2/frames.ts'
import { createAuthority } from '../../support/api-server/certificates.ts'
import { testTls } from '../../support/certificates.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { encodeFields, writeFrame } from '../../support/http2-client.ts'
import { until } from '../../support/until.ts'
import { type Bench, query, rcodeReply, withTransport } from '../support.ts'

const authority = createAuthority()
const udp = 'dgram'
const settings = writeFrame(frameType.SETTINGS, 0, 0, Buffer.alloc(0))

interface RawClient {
  write(...frames: readonly Uint8Array[]): void
  /** The next frame of one of these types. */
  next(...types: readonly number[]): Promise<Frame>
  readonly closed: Promise<unknown>
  close(): void
}

async function rawClient(port: number, first: readonly Uint8Array[] = [settings]): Promise<RawClient> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ALPNProtocols: ['h2'] })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  const reader = createFrameReader()
  reader.push(preface)
  const frames: Frame[] = []
  let arrived: () => void = () => undefined
  socket.on('data', (chunk: Buffer) => {
    reader.push(Buffer.from(chunk))
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
    arrived()
  })
  socket.write(Buffer.concat([preface, ...first]))
  return {
    write: (...octets) => void socket.write(Buffer.concat(octets)),
    async next(...types) {
      for (;;) {
        const at = frames.findIndex(({ type }) => types.includes(type))
        if (at >= 0) return frames.splice(0, at + 1).at(-1)!
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
    },
    closed: once(socket, 'close'),
    close: () => socket.destroy(),
  }
}

function request(id: number, label = 'table', flags: number = flag.END_HEADERS | flag.END_STREAM): Buffer {
  const target = `/dns-query?dns=${Buffer.from(query(label)).toString('base64url')}`
  const fields = encodeFields([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'x'],
    [':path', target],
  ])
  return writeFrame(frameType.HEADERS, flags, id, fields)
}

const withHttps = (options: Parameters<typeof withTransport>[0], run: (bench: Bench) => Promise<void>) =>
  withTransport({ udp, ...options }, async (bench) => {
    await bench.transport.apply([bench.listener({ scheme: 'https', tls: testTls(authority) })])
    await run(bench)
  })

const refused: readonly (readonly [what: string, frames: readonly Uint8Array[], code: number])[] = [
  ['a first frame that is no SETTINGS', [request(1)], errorCode.PROTOCOL_ERROR],
  ['a stream with an even number', [settings, request(2)], errorCode.PROTOCOL_ERROR],
  ['stream 0', [settings, request(0)], errorCode.PROTOCOL_ERROR],
  [
    'DATA of a stream that was not opened',
    [settings, writeFrame(frameType.DATA, 0, 1, Buffer.of(1))],
    errorCode.PROTOCOL_ERROR,
  ],
  ['PUSH_PROMISE', [settings, writeFrame(frameType.PUSH_PROMISE, 0, 1, Buffer.alloc(4))], errorCode.PROTOCOL_ERROR],
  ['a frame between the parts of a head', [settings, request(1, 'table', 0), settings], errorCode.PROTOCOL_ERROR],
  [
    'CONTINUATION of nothing',
    [settings, writeFrame(frameType.CONTINUATION, 4, 1, Buffer.alloc(0))],
    errorCode.PROTOCOL_ERROR,
  ],
  [
    'padding longer than the frame',
    [settings, writeFrame(frameType.HEADERS, 0xc, 1, Buffer.of(9, 0x82))],
    errorCode.PROTOCOL_ERROR,
  ],
  [
    'padding without a length',
    [settings, writeFrame(frameType.HEADERS, 0xc, 1, Buffer.alloc(0))],
    errorCode.PROTOCOL_ERROR,
  ],
  ['a frame that is too large', [settings, Buffer.of(1, 0, 0, 0, 0, 0, 0, 0, 1)], errorCode.FRAME_SIZE_ERROR],
  [
    'fields that cannot be decoded',
    [settings, writeFrame(frameType.HEADERS, 5, 1, Buffer.of(0x80))],
    errorCode.COMPRESSION_ERROR,
  ],
  [
    'a window of more than 2^31 - 1',
    [settings, writeFrame(frameType.WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))],
    errorCode.FLOW_CONTROL_ERROR,
  ],
  ['a window update of 0', [settings, writeFrame(frameType.WINDOW_UPDATE, 0, 0, uint32(0))], errorCode.PROTOCOL_ERROR],
  [
    'a head of more than 16 KiB',
    [
      settings,
      writeFrame(frameType.HEADERS, 0, 1, Buffer.alloc(16_000)),
      writeFrame(frameType.CONTINUATION, 0, 1, Buffer.alloc(1_000)),
    ],
    errorCode.ENHANCE_YOUR_CALM,
  ],
  [
    'a head in many parts',
    [
      settings,
      writeFrame(frameType.HEADERS, 0, 1, Buffer.alloc(0)),
      ...Array.from({ length: 20 }, () => writeFrame(frameType.CONTINUATION, 0, 1, Buffer.alloc(0))),
    ],
    errorCode.ENHANCE_YOUR_CALM,
  ],
]

const many = (frame: (i: number) => Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: 1100 }, (_, i) => frame(i))
const post = encodeFields([
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/dns-query'],
])

/** What asks for nothing (RFC 9113 §10.5): more of it than the client has answers for. */
const floods: readonly (readonly [what: string, frames: readonly Uint8Array[]])[] = [
  ['PING', many(() => writeFrame(frameType.PING, 0, 0, Buffer.alloc(8)))],
  ['SETTINGS', many(() => settings)],
  ['WINDOW_UPDATE', many(() => writeFrame(frameType.WINDOW_UPDATE, 0, 0, uint32(1)))],
  ['PRIORITY', many(() => writeFrame(frameType.PRIORITY, 0, 1, Buffer.alloc(5)))],
  ['frames of an unknown type', many(() => writeFrame(0xfa, 0, 0, Buffer.alloc(8)))],
  [
    'empty DATA',
    [
      writeFrame(frameType.HEADERS, flag.END_HEADERS, 1, post),
      ...many(() => writeFrame(frameType.DATA, 0, 1, Buffer.alloc(0))),
    ],
  ],
  ['DATA of a stream that is answered', [request(1), ...many(() => writeFrame(frameType.DATA, 0, 1, Buffer.of(1)))]],
  ['heads of a stream that is answered', [request(1), ...many(() => request(1))]],
  ['heads without a path', many((i) => writeFrame(frameType.HEADERS, 5, 2 * i + 1, Buffer.of(0x82)))],
]

describe('an HTTP/2 connection', () => {
  for (const [what, frames, code] of refused)
    test(`${what} ends the connection with code ${code}, and no other`, () =>
      withHttps({}, async ({ port }) => {
        const other = await rawClient(port)
        const client = await rawClient(port, frames)
        const { payload } = await client.next(frameType.GOAWAY)
        assert.equal(payload.readUInt32BE(4), code)
        await client.closed
        other.write(request(1))
        assert.equal((await other.next(frameType.DATA)).stream, 1)
        other.close()
      }))

  for (const [what, frames] of floods)
    test(`${what} without end ends the connection`, () =>
      withHttps({}, async ({ port }) => {
        const client = await rawClient(port, [settings, ...frames])
        const { payload } = await client.next(frameType.GOAWAY)
        assert.equal(payload.readUInt32BE(4), errorCode.ENHANCE_YOUR_CALM)
        await client.closed
      }))

  test('a client that goes on opening streams past those that were announced loses its connection', () => {
    const onMiss = () => new Promise<Uint8Array>(() => undefined)
    return withTransport({ udp, onMiss }, async ({ transport, listener, port }) => {
      const http = { maxConnections: undefined, maxStreams: 1 }
      await transport.apply([listener({ scheme: 'https', tls: testTls(authority), http })])
      const client = await rawClient(port, [settings, request(1, 'miss'), ...many((i) => request(2 * i + 3))])
      const { payload } = await client.next(frameType.GOAWAY)
      assert.equal(payload.readUInt32BE(4), errorCode.ENHANCE_YOUR_CALM)
      await client.closed
    })
  })

  test('a setting that is there thousands of times counts once, with its last value', () =>
    withHttps({}, async ({ port }) => {
      const sizes = Array.from({ length: 2700 }, (_, i) => [setting.INITIAL_WINDOW_SIZE, 2700 - i] as const)
      const client = await rawClient(port, [writeFrame(frameType.SETTINGS, 0, 0, settingsPayload(sizes))])
      client.write(request(1, 'big-40000'))
      assert.equal((await client.next(frameType.DATA)).payload.length, 1)
      client.close()
    }))

  test('the windows of open streams grow with the setting, and by what the client allows besides', () =>
    withHttps({}, async ({ port }) => {
      const window = (octets: number) =>
        writeFrame(frameType.SETTINGS, 0, 0, settingsPayload([[setting.INITIAL_WINDOW_SIZE, octets]]))
      const client = await rawClient(port, [window(0)])
      client.write(request(1, 'big-40000'))
      await client.next(frameType.HEADERS)
      client.write(window(10))
      assert.equal((await client.next(frameType.DATA)).payload.length, 10)
      client.write(writeFrame(frameType.WINDOW_UPDATE, 0, 1, uint32(5)))
      assert.equal((await client.next(frameType.DATA)).payload.length, 5)
      // The stream has 15 octets of its own less than it had, so this fits.
      client.write(window(0x7fffffff))
      assert.equal((await client.next(frameType.DATA)).payload.length, 16_384)
      client.close()
    }))

  test('the first response says that no field is entered into a table that the client may have made smaller', () =>
    withHttps({}, async ({ port }) => {
      const smaller = writeFrame(frameType.SETTINGS, 0, 0, settingsPayload([[setting.HEADER_TABLE_SIZE, 0]]))
      const client = await rawClient(port, [smaller, request(1), request(3)])
      // RFC 7541 §6.3: the size 0.
      assert.equal((await client.next(frameType.HEADERS)).payload[0], 0x20)
      assert.notEqual((await client.next(frameType.HEADERS)).payload[0], 0x20)
      client.close()
    }))

  test('the response to HEAD is a head alone', () =>
    withHttps({}, async ({ port }) => {
      const fields = encodeFields([
        [':method', 'HEAD'],
        [':scheme', 'https'],
        [':path', '/dns-query'],
      ])
      const client = await rawClient(port)
      client.write(writeFrame(frameType.HEADERS, 5, 1, fields), request(3))
      const head = await client.next(frameType.HEADERS)
      assert.deepEqual([head.stream, head.flags & flag.END_STREAM], [1, flag.END_STREAM])
      assert.equal((await client.next(frameType.DATA)).stream, 3)
      client.close()
    }))

  test('a body that comes octet by octet is read', () =>
    withHttps({}, async ({ port }) => {
      const client = await rawClient(port)
      const octets = [...query('table')]
      client.write(
        writeFrame(frameType.HEADERS, flag.END_HEADERS, 1, post),
        ...octets.map((octet, i) =>
          writeFrame(frameType.DATA, i === octets.length - 1 ? flag.END_STREAM : 0, 1, Buffer.of(octet)),
        ),
      )
      assert.equal((await client.next(frameType.DATA)).stream, 1)
      client.close()
    }))

  test('a head in two parts, with padding and priority, is a request', () =>
    withHttps({}, async ({ port }) => {
      const client = await rawClient(port)
      const block = request(1).subarray(9)
      const content = Buffer.concat([Buffer.of(2), Buffer.alloc(5), block.subarray(0, 10), Buffer.alloc(2)])
      client.write(
        writeFrame(frameType.HEADERS, flag.END_STREAM | flag.PADDED | flag.PRIORITY, 1, content),
        writeFrame(frameType.CONTINUATION, flag.END_HEADERS, 1, block.subarray(10)),
      )
      assert.equal((await client.next(frameType.DATA)).stream, 1)
      client.close()
    }))

  test('a client that resets too many streams before they are answered loses its connection', () => {
    const onMiss = () => new Promise<Uint8Array>(() => undefined)
    return withHttps({ onMiss }, async ({ port }) => {
      const client = await rawClient(port)
      for (let id = 1; id < 300; id += 2)
        client.write(request(id, 'miss'), writeFrame(frameType.RST_STREAM, 0, id, uint32(errorCode.CANCEL)))
      assert.equal((await client.next(frameType.GOAWAY)).payload.readUInt32BE(4), errorCode.ENHANCE_YOUR_CALM)
      await client.closed
    })
  })

  test('a stream that the client resets is no work for the chain any more', () => {
    const misses: Miss[] = []
    const onMiss = (miss: Miss) => {
      misses.push(miss)
      return new Promise<Uint8Array>(() => undefined)
    }
    return withHttps({ onMiss }, async ({ port }) => {
      const client = await rawClient(port)
      client.write(request(1, 'miss'))
      await until(() => assert.equal(misses.length, 1))
      client.write(writeFrame(frameType.RST_STREAM, 0, 1, uint32(errorCode.CANCEL)))
      await until(() => assert.equal(misses[0].signal?.aborted, true))
      client.close()
    })
  })

  test('a stream past those that were announced is refused', () => {
    const held: (() => void)[] = []
    const onMiss = ({ request: asked }: Miss) =>
      new Promise<Uint8Array>((resolve) => held.push(() => resolve(rcodeReply(asked, 0))))
    return withTransport({ udp, onMiss }, async ({ transport, listener, port }) => {
      const http = { maxConnections: undefined, maxStreams: 2 }
      await transport.apply([listener({ scheme: 'https', tls: testTls(authority), http })])
      const client = await rawClient(port)
      client.write(request(1, 'miss'), request(3, 'miss'), request(5, 'miss'))
      const reset = await client.next(frameType.RST_STREAM)
      assert.deepEqual([reset.stream, reset.payload.readUInt32BE(0)], [5, errorCode.REFUSED_STREAM])
      for (const answer of held) answer()
      assert.equal((await client.next(frameType.DATA)).stream, 1)
      client.close()
    })
  })

  test('a response is sent as far as the client takes it, and the rest when it takes more', () =>
    withHttps({}, async ({ port }) => {
      const small = writeFrame(frameType.SETTINGS, 0, 0, settingsPayload([[setting.INITIAL_WINDOW_SIZE, 1000]]))
      const client = await rawClient(port, [small])
      client.write(request(1, 'big-40000'))
      let octets = (await client.next(frameType.DATA)).payload.length
      assert.equal(octets, 1000)
      client.write(writeFrame(frameType.WINDOW_UPDATE, 0, 1, uint32(50_000)))
      for (let ended = false; !ended; ) {
        const { payload, flags } = await client.next(frameType.DATA)
        octets += payload.length
        ended = (flags & flag.END_STREAM) !== 0
      }
      assert.equal(octets, 40_000)
      client.close()
    }))

  test('a client that takes nothing of its response is closed after the time for writing', () => {
    const clock = createFakeClock()
    return withHttps({ clock, limits: { tcpWrite: 5000 } }, async ({ port }) => {
      const none = writeFrame(frameType.SETTINGS, 0, 0, settingsPayload([[setting.INITIAL_WINDOW_SIZE, 0]]))
      const client = await rawClient(port, [none])
      client.write(request(1))
      await client.next(frameType.HEADERS)
      clock.advance(5500)
      await client.closed
    })
  })

  test('octets of bodies that are taken may be sent again: a connection carries any number of them', () =>
    withHttps({}, async ({ port }) => {
      const client = await rawClient(port)
      const fields = encodeFields([
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/dns-query'],
      ])
      const body = Buffer.concat([query('table'), Buffer.alloc(4000)])
      client.write(writeFrame(frameType.WINDOW_UPDATE, 0, 0, uint32(1 << 20)))
      for (let id = 1; id < 80; id += 2) {
        client.write(
          writeFrame(frameType.HEADERS, flag.END_HEADERS, id, fields),
          writeFrame(frameType.DATA, flag.END_STREAM, id, body),
        )
        await client.next(frameType.DATA)
      }
      client.close()
    }))
})
