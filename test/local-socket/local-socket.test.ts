/** The socket of `slicedns explain`: its own user and root get in, and no other process is taken for the server. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { connectLocally, listeningPids, listenLocally } from '../../src/local-socket/index.ts'
import { knowsPeers } from '../../src/local-socket/peer.ts'
import { localName } from '../support/local-name.ts'

const isRoot = process.getuid?.() === 0
const nobody = 65_534

describe('the local socket', { skip: process.platform === 'win32' }, () => {
  const servers: Server[] = []
  const temporary = process.env.TMPDIR
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slicedns-local-'))
    process.env.TMPDIR = folder
  })
  afterEach(() => {
    if (temporary === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = temporary
    for (const server of servers.splice(0)) server.close()
    rmSync(folder, { recursive: true })
  })

  function greeter(): Server {
    const server = createServer((socket) => socket.on('error', () => undefined).end('hello'))
    servers.push(server)
    return server
  }

  async function heard(pid: number): Promise<string> {
    const socket = await connectLocally(pid)
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += chunk
    return text
  }

  it('a process of the same user finds the server by its pid', async () => {
    await listenLocally(greeter())
    assert.ok(listeningPids().includes(process.pid))
    assert.equal(await heard(process.pid), 'hello')
  })

  it('a server whose abstract name is taken listens on a file that only its user can reach', {
    skip: !knowsPeers(),
  }, async () => {
    const pid = 4_000_001
    const squatter = greeter()
    squatter.listen(localName(pid))
    await once(squatter, 'listening')
    await listenLocally(greeter(), pid)
    assert.equal(await heard(pid), 'hello')
  })

  it('a process that listens under the pid of another one is not believed', { skip: !knowsPeers() }, async () => {
    const pid = 4_000_002
    const squatter = greeter()
    squatter.listen(localName(pid))
    await once(squatter, 'listening')
    await assert.rejects(
      connectLocally(pid),
      new RegExp(
        `^Error: the socket of pid ${pid} belongs to process ${process.pid} of user \\d+, which is not trusted$`,
      ),
    )
  })

  it('a pid without a server is reported as such', async () => {
    await assert.rejects(connectLocally(4_000_003), /no slicedns process at pid 4000003 \(it may have exited\)/)
  })

  it('a folder that others may write to is not used', { skip: !knowsPeers() }, async () => {
    const pid = 4_000_004
    const squatter = greeter()
    squatter.listen(localName(pid))
    await once(squatter, 'listening')
    await listenLocally(greeter(), pid)
    chmodSync(join(folder, `slicedns-${process.getuid?.()}`), 0o777)
    await assert.rejects(listenLocally(greeter(), pid), /must be a folder of mode 0700/)
    await assert.rejects(connectLocally(pid), /is not trusted/)
  })

  it('another user gets no octet', { skip: !isRoot || !knowsPeers() }, async () => {
    const pid = 4_000_005
    await listenLocally(greeter(), pid)
    const program = `const s = require('node:net').connect(process.argv[1].replace('@', '\\0'));
      let text = ''; s.on('data', (d) => text += d).on('error', () => {}).on('close', () => console.log(text.length))`
    const child = spawn(process.execPath, ['-e', program, localName(pid).replace('\0', '@')], {
      uid: nobody,
      gid: nobody,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk
    assert.equal(output.trim(), '0')
  })
})
