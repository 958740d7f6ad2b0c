/** Which server block takes an UPDATE message, over UDP and TCP. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'

let folder: string
let taking: LoopbackServer
let others: LoopbackServer

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'opcode-'))
  writeFileSync(join(folder, 'db'), '@ 60 SOA ns host 1 2 3 4 5\n')
  const other = (port: number) => `b:${port} {\nbind 127.0.0.1\nwhoami\n}\n`
  taking = await startLoopbackServer(
    (port) => `${other(port)}a:${port} {\nbind 127.0.0.1\ndynupdate {\nfile ${folder}/db\nallow k * *\n}\n}\n`,
  )
  others = await startLoopbackServer(other)
})

after(async () => {
  await taking.stop()
  await others.stop()
  rmSync(folder, { recursive: true })
})

/** An update of a zone of one label, with ID beef; `padding` octets of records in its additional section. */
function updateOf(zone: string, { questions = 1, padding = 0 } = {}): Buffer {
  const header = Buffer.from(`beef2800000${questions}00000000000${padding > 0 ? 1 : 0}`, 'hex')
  const question = Buffer.concat([Buffer.from([1, zone.charCodeAt(0), 0]), Buffer.from([0, 6, 0, 1])])
  const record = Buffer.concat([
    Buffer.from([0, 0, 10, 0, 1, 0, 0, 0, 0, padding >> 8, padding & 255]),
    Buffer.alloc(padding),
  ])
  return Buffer.concat([
    header,
    ...Array.from({ length: questions }, () => question),
    padding > 0 ? record : Buffer.alloc(0),
  ])
}

async function byUdp(port: number, request: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  socket.send(request, port, '127.0.0.1')
  const [reply] = await once(socket, 'message')
  socket.close()
  return reply
}

async function byTcp(port: number, request: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1')
  socket.write(Buffer.concat([Buffer.of(request.length >> 8, request.length & 255), request]))
  let reply = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    reply = Buffer.concat([reply, chunk])
    if (reply.length >= 2 && reply.length === 2 + reply.readUInt16BE(0)) break
  }
  return reply.subarray(2)
}

const code = (reply: Buffer): number => reply[3] & 15

for (const [via, exchange] of Object.entries({ UDP: byUdp, TCP: byTcp }))
  describe(`an UPDATE over ${via}`, () => {
    const cases: readonly (readonly [string, Buffer, number])[] = [
      ['of a zone that is updated, without a signature, is REFUSED', updateOf('a'), 5],
      ['of a zone of another block is NOTIMP', updateOf('b'), 4],
      ['of a zone of no block is REFUSED', updateOf('c'), 5],
      ['with two questions is FORMERR', updateOf('a', { questions: 2 }), 1],
    ]
    for (const [what, request, wanted] of cases)
      it(`an UPDATE ${what}`, async () => {
        const reply = await exchange(taking.port, request)
        assert.deepEqual([reply.readUInt16BE(0), (reply[2] >> 3) & 15, code(reply)], [0xbeef, 5, wanted])
      })

    it('an UPDATE is NOTIMP, a header alone, where no block of the listener takes any', async () => {
      assert.equal((await exchange(others.port, updateOf('a'))).toString('hex'), 'beefa8040000000000000000')
    })
  })

it('an UPDATE over TCP may be as long as a message', async () => {
  assert.equal(code(await byTcp(taking.port, updateOf('a', { padding: 60_000 }))), 5)
  assert.equal(code(await byTcp(others.port, updateOf('a', { padding: 60_000 }))), 1)
})
