/** Sinks that come late, go away, are slow or are not to be trusted. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { plugins } from '../../../src/plugins/index.ts'
import { createAuthority } from '../../support/api-server/certificates.ts'
import { freePort } from '../../support/ports.ts'
import { question } from '../../support/question.ts'
import { type Serving, serve } from '../../support/serving.ts'
import { until } from '../../support/until.ts'
import { connectReader, type Reader, startReader } from './reader.ts'

interface Bench {
  readonly folder: string
  /** For whatever a test listens on. */
  readonly free: number
  readonly serving: Serving
  corefile(directives: string): string
  /** Asks so many questions and waits for their replies. */
  ask(count: number): Promise<void>
  /** To be closed after the test. */
  opened(reader: Reader): Reader
}

/** A server with these directives; `FOLDER` and `FREE` stand for a folder and a port. */
async function withDnstap(directives: string, test: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dnstap-'))
  const [port, free] = [await freePort(), await freePort()]
  const corefile = (text: string) =>
    `.:${port} {\nbind 127.0.0.1\n${text.replaceAll('FOLDER', folder).replaceAll('FREE', String(free))}\nhosts {\n10.0.0.1 a.example\nfallthrough\n}\nwhoami\n}\n`
  const serving = await serve(plugins, corefile(directives))
  const readers: Reader[] = []
  const socket = createSocket('udp4')
  let replies = 0
  socket.on('message', () => replies++)
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  try {
    await test({
      folder,
      free,
      serving,
      corefile,
      async ask(count) {
        const wanted = replies + count
        for (let i = 0; i < count; i++) {
          socket.send(question(i % 2 ? 'a.example A' : 'b.example A', i & 0xffff))
          if (i % 50 === 49) await until(() => assert.ok(replies >= wanted - count + i - 49), { every: 1 })
        }
        await until(() => assert.equal(replies, wanted), { every: 1 })
      },
      opened(reader) {
        readers.push(reader)
        return reader
      },
    })
  } finally {
    socket.close()
    await serving.stop()
    await Promise.all(readers.map((reader) => reader.close()))
    rmSync(folder, { recursive: true })
  }
}

const dropped = (endpoint: string) => `slicedns_dnstap_dropped_messages_total{endpoint="${endpoint}"}`

describe('a dnstap sink that we connect to', () => {
  it('a sink that comes after the first queries gets them', () =>
    withDnstap('dnstap FOLDER/sock', async ({ ask, folder, opened, serving }) => {
      await ask(3)
      const reader = opened(await startReader(join(folder, 'sock')))
      await until(() => assert.equal(reader.messages.length, 6))
      assert.ok(
        serving.lines.some((line) => /^\[ERROR\] plugin\/dnstap: No connection to dnstap endpoint .*sock/.test(line)),
      )
      await until(() => assert.ok(serving.lines.some((line) => /works again/.test(line))))
    }))

  it('a sink that ends its connection is connected to again', () =>
    withDnstap('dnstap tcp://127.0.0.1:FREE', async ({ ask, free, opened }) => {
      const reader = opened(await startReader(free))
      for (const connections of [1, 2, 3]) {
        await until(() => assert.equal(reader.controls.length, 2 * connections))
        await ask(1)
        await until(() => assert.equal(reader.messages.length, 2 * connections))
        reader.connections.at(-1)!.destroy()
      }
    }))

  it('a sink that takes nothing costs messages, which are counted, and no query its answer', () =>
    withDnstap('dnstap FOLDER/sock full', async ({ ask, folder, opened, serving }) => {
      const reader = opened(await startReader(join(folder, 'sock'), { stuck: true }))
      await until(() => assert.equal(reader.controls.length, 2))
      const endpoint = dropped(join(folder, 'sock'))
      let sent = 0
      await until(
        async () => {
          await ask(1500)
          sent += 2 * 1500
          assert.ok((await serving.metric(endpoint)) > 0)
        },
        { every: 1 },
      )
      reader.resume()
      // A sink that takes nothing for four seconds is left: what was on its way then is dropped as well.
      await until(async () => assert.ok(reader.messages.length + (await serving.metric(endpoint)) >= sent))
      assert.ok(reader.messages.length > 0)
    }))

  it('a reload that keeps the sink keeps its connection; the end of the server says farewell', () =>
    withDnstap('dnstap FOLDER/sock', async ({ ask, corefile, folder, opened, serving }) => {
      const reader = opened(await startReader(join(folder, 'sock')))
      await until(() => assert.equal(reader.controls.length, 2))
      await ask(1)
      await serving.reload(corefile('dnstap FOLDER/sock {\nidentity other\n}'))
      await ask(1)
      await until(() =>
        assert.deepEqual(
          reader.messages.map(({ identity }) => identity === 'other'),
          [false, false, true, true],
        ),
      )
      assert.equal(reader.connections.length, 1)
      await serving.reload(corefile(''))
      await until(() => assert.deepEqual(reader.controls.slice(2), ['3']))
    }))

  it('a sink of another content type is left, with a reason', () =>
    withDnstap('dnstap FOLDER/sock', async ({ folder, opened, serving }) => {
      opened(await startReader(join(folder, 'sock'), { accepts: 'protobuf:other' }))
      await until(() =>
        assert.ok(serving.lines.some((line) => line.includes('does not accept protobuf:dnstap.Dnstap'))),
      )
    }))

  it('a sink over TLS must have a certificate that is trusted, or skipverify', async () => {
    const server = createAuthority().issue()
    for (const [options, trusted] of [
      ['', false],
      [' {\nskipverify\n}', true],
    ] as const)
      await withDnstap(`dnstap tls://127.0.0.1:FREE${options}`, async ({ ask, free, opened, serving }) => {
        const reader = opened(await startReader(free, { tls: server }))
        await ask(1)
        if (trusted) await until(() => assert.equal(reader.messages.length, 2))
        else {
          await until(() =>
            assert.ok(
              serving.lines.some((line) =>
                line.includes("x509: certificate signed by unknown authority (add 'skipverify'"),
              ),
            ),
          )
          assert.equal(reader.messages.length, 0)
        }
      })
  })

  it('a port that is missing is an error in the log, and the server serves', () =>
    withDnstap('dnstap tcp://127.0.0.1', async ({ ask, serving }) => {
      await ask(1)
      await until(() => assert.ok(serving.lines.some((line) => line.includes('missing port in address'))))
    }))
})

describe('dnstap sinks that connect to us', () => {
  it('each sink gets what is asked while it is connected, and a socket file is removed at the end', () =>
    withDnstap('dnstap listen FOLDER/sock', async ({ ask, folder, opened, serving, corefile }) => {
      await until(() => assert.ok(existsSync(join(folder, 'sock'))))
      const one = opened(await connectReader(join(folder, 'sock')))
      await until(() => assert.equal(one.controls.length, 2))
      await ask(1)
      await until(() => assert.equal(one.messages.length, 2))
      const other = opened(await connectReader(join(folder, 'sock')))
      await until(() => assert.equal(other.controls.length, 2))
      await ask(1)
      await until(() => assert.deepEqual([one.messages.length, other.messages.length], [4, 2]))
      await serving.reload(corefile(''))
      await until(() => assert.deepEqual([one.controls.at(-1), other.controls.at(-1)], ['3', '3']))
      await until(() => assert.ok(!existsSync(join(folder, 'sock'))))
    }))

  it('a sink that is slow costs the others nothing', () =>
    withDnstap('dnstap listen FOLDER/sock full', async ({ ask, folder, opened, serving }) => {
      const path = join(folder, 'sock')
      const slow = opened(await until(() => connectReader(path, { stuck: true })))
      const quick = opened(await connectReader(path))
      await until(() => assert.deepEqual([slow.controls.length, quick.controls.length], [2, 2]))
      let asked = 0
      await until(
        async () => {
          await ask(1500)
          asked += 1500
          assert.ok((await serving.metric(dropped(path))) > 0)
        },
        { every: 1 },
      )
      await until(() => assert.equal(quick.messages.length, 2 * asked))
    }))

  it('a ninth sink is closed and counted, unless one of the eight has not shaken hands', () =>
    withDnstap('dnstap listen FOLDER/sock', async ({ folder, opened, serving }) => {
      const path = join(folder, 'sock')
      await until(() => assert.ok(existsSync(path)))
      const silent = connect(path)
      await once(silent, 'data')
      const seven: Reader[] = []
      for (let i = 0; i < 7; i++) seven.push(opened(await connectReader(path)))
      await until(() => assert.ok(seven.every(({ controls }) => controls.length === 2)))
      const eighth = opened(await connectReader(path))
      await until(() => assert.equal(eighth.controls.length, 2))
      await until(() => assert.ok(silent.readableEnded || silent.closed))
      silent.destroy()
      const ninth = opened(await connectReader(path))
      await until(() => assert.ok(ninth.connections[0]!.closed))
      assert.equal(await serving.metric(`slicedns_dnstap_refused_sinks_total{endpoint="${path}"}`), 2)
    }))

  it('a socket file that a dead process has left is replaced', () =>
    withDnstap('', async ({ corefile, folder, opened, serving, ask }) => {
      const path = join(folder, 'sock')
      const dies = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
      await once(spawn(process.execPath, ['-e', dies]), 'close')
      assert.ok(existsSync(path))
      await serving.reload(corefile('dnstap listen FOLDER/sock'))
      const reader = opened(await until(() => connectReader(path)))
      await until(() => assert.equal(reader.controls.length, 2))
      await ask(1)
      await until(() => assert.equal(reader.messages.length, 2))
    }))

  it('a sink over TLS needs a certificate where the listener has a CA, unless it skips the check', async () => {
    const { issue, cert: authority } = createAuthority()
    const [server, client] = [issue(), issue()]
    const files = mkdtempSync(join(tmpdir(), 'dnstap-tls-'))
    for (const [name, pem] of Object.entries({ cert: server.cert, key: server.key, ca: authority }))
      writeFileSync(join(files, name), pem)
    const tls = `tls ${files}/cert ${files}/key`
    try {
      for (const [options, bare] of [
        [`${tls} ${files}/ca`, false],
        [`${tls} ${files}/ca\nskipverify`, true],
        [tls, true],
      ] as const)
        await withDnstap(`dnstap listen tls://127.0.0.1:FREE {\n${options}\n}`, async ({ free, opened }) => {
          const proven = opened(await until(() => connectReader(free, { connectTls: { ca: authority, ...client } })))
          await until(() => assert.equal(proven.controls.length, 2))
          // The client may hear that it is refused while it connects, or later.
          const unproven = await connectReader(free, { connectTls: { ca: authority } }).catch(() => undefined)
          if (unproven) opened(unproven)
          if (bare) await until(() => assert.equal(unproven?.controls.length, 2))
          else if (unproven) {
            await until(() => assert.ok(unproven.connections[0]!.closed))
            assert.deepEqual(unproven.controls, [])
          }
        })
    } finally {
      rmSync(files, { recursive: true })
    }
  })

  it('a listener over TLS without a certificate, or with a file that is missing, is an error in the log', async () => {
    for (const [options, text] of [
      ['', 'TLS listener requires cert and key files'],
      [' {\ntls /nowhere/cert /nowhere/key\n}', 'Failed to start dnstap listener'],
    ] as const)
      await withDnstap(`dnstap listen tls://127.0.0.1:FREE${options}`, async ({ ask, serving }) => {
        await ask(1)
        await until(() => assert.ok(serving.lines.some((line) => line.includes(text))))
      })
  })
})
