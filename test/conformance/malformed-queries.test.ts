/** The replies of message-cases.ts are CoreDNS's own: it is asked here, where it is installed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { cases } from '../answer/message-cases.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'

const compared = cases.filter(({ reply }) => reply !== 'the chain')

describe('CoreDNS 1.15.0', { skip: without('coredns') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-answer-'))
  let server: ChildProcess
  let socket: Socket
  let port = 0

  /** The reply, or `silence` when three later questions were answered and this one was not. */
  async function ask(request: string): Promise<string> {
    const heard: string[] = []
    const listen = (message: Buffer): void => void heard.push(message.toString('hex'))
    const isLater = (message: string): boolean => message.startsWith('feed')
    socket.on('message', listen)
    socket.send(Buffer.from(request, 'hex'), port, '127.0.0.1')
    await until(() => {
      if (heard.some((message) => !isLater(message))) return
      socket.send(Buffer.from('feed010000010000000000000000020001', 'hex'), port, '127.0.0.1')
      assert.ok(heard.filter(isLater).length >= 3, 'CoreDNS answers nothing')
    })
    socket.off('message', listen)
    return heard.find((message) => !isLater(message)) ?? 'silence'
  }

  before(async () => {
    port = await freePort()
    const corefile = join(folder, 'Corefile')
    // TTL 5, as in the table of malformed.test.ts.
    writeFileSync(
      corefile,
      `.:${port} {\n  hosts {\n    10.0.0.1 web.example\n    ttl 5\n    fallthrough\n  }\n  whoami\n}\n`,
    )
    server = spawn(peer('coredns')!, ['-conf', corefile, '-quiet'], { stdio: 'ignore' })
    socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    await ask('cafe010000010000000000000000020001')
  })

  after(() => {
    server?.kill()
    socket?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const { name, request, reply } of compared) {
    it(`CoreDNS answers ${name} as our table of cases says`, async () => {
      assert.equal(asWeCompress(await ask(request), reply), reply)
    })
  }
})

/** CoreDNS writes small replies without compression, hosts' owner in lower case; ours points to the question. */
function asWeCompress(theirs: string, ours: string): string {
  const owner = '03776562076578616d706c6500'
  return ours.includes('c00c') ? theirs.replace(owner, 'c00c') : theirs
}
