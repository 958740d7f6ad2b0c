/** Attacks by an etcd, or by who can write to it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { until } from '../support/until.ts'
import type { Attack } from './arena.ts'
import { seconds } from './traffic.ts'

/** A field of a protobuf message with a length (wire type 2). */
function field(number: number, content: Uint8Array): Buffer {
  const head = [(number << 3) | 2]
  let rest = content.length
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Uint8Array.of(...head, rest), content])
}

const framed = (message: Uint8Array): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Revision 1. */
const header = field(1, Uint8Array.of(0x18, 1))
const more = Uint8Array.of(0x18, 1)
const created = framed(Buffer.concat([header, more]))
const isFragment = Uint8Array.of(0x38, 1)
const keyValue = (key: string, value = ''): Buffer =>
  Buffer.concat([field(1, Buffer.from(key)), field(5, Buffer.from(value))])
const put = (key: string): Buffer => field(11, field(2, keyValue(key)))

/** `count` times the same octets. */
const many = (octets: Uint8Array, count: number): Buffer => Buffer.alloc(octets.length * count, octets)

/** Octets of a gRPC message. */
const largest = 16 << 20

function end(stream: ServerHttp2Stream, message: Uint8Array): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(framed(message))
}

/** A watch that stands, and sends the same octets for as long as they are taken. */
function pour(stream: ServerHttp2Stream, octets: Buffer | undefined): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
  stream.write(created)
  const go = (): void => {
    while (octets && !stream.destroyed && stream.write(octets));
  }
  stream.on('drain', go)
  go()
}

/** What each list gets, and the watch behind it. The last one stays. */
const turns: readonly { readonly page: Uint8Array; readonly watch?: Buffer }[] = [
  { page: many(field(2, Buffer.alloc(0)), largest >> 2) },
  {
    page: field(2, keyValue('/skydns/test/e/a', `{"x":[${'[],'.repeat(5_000_000)}0]}`)),
    watch: framed(Buffer.concat([isFragment, many(put('/skydns/test/e/a'), 10_000)])),
  },
  { page: Buffer.concat([field(2, keyValue('/a')), more]) },
  { page: Buffer.alloc(0), watch: framed(many(put('/a'), largest >> 4)) },
  { page: Buffer.alloc(0), watch: many(framed(put('/skydns/test/e/a')), 10_000) },
]

async function startEtcd(port: number): Promise<{ close(): void; readonly lists: number }> {
  const sessions = new Set<ServerHttp2Session>()
  let lists = 0
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => undefined)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream, { ':path': path }) => {
    stream.on('error', () => undefined)
    stream.resume()
    if (path === '/etcdserverpb.KV/Range') {
      const { page } = turns[Math.min(lists++, turns.length - 1)]
      end(stream, Buffer.concat([header, page]))
    } else pour(stream, turns[Math.min(lists, turns.length) - 1].watch)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    get lists() {
      return lists
    },
    close() {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

export const etcdAttacks: readonly Attack[] = [
  {
    finding: 27,
    title: `etcd with millions of keys in a page and lists in a value, pages and changes without end`,
    block: ({ other }) => `etcd e.test {\nendpoint http://127.0.0.1:${other}\n}`,
    onlySlicedns: true,
    async run({ ports }) {
      const etcd = await startEtcd(ports.other)
      try {
        await until(() => assert.ok(etcd.lists >= turns.length))
        await seconds(2)
      } finally {
        etcd.close()
      }
    },
  },
]
