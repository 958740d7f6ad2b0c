/** SIGTERM beside questions that wait for an upstream, over every transport: what has been asked is answered before the end. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { freePort } from '../support/ports.ts'
import { question } from '../support/question.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { allWays, type StreamClient, streamClient, ways } from '../support/stream-clients.ts'
import { until } from '../support/until.ts'
import { type Arrived, answering, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'

interface Asker {
  readonly name: string
  ask(request: Uint8Array): Promise<Uint8Array>
  close(): void
}

function udpAsker(port: number): Asker {
  const socket = createSocket('udp4')
  return {
    name: 'udp',
    async ask(request) {
      socket.send(request, port, '127.0.0.1')
      const [reply] = await once(socket, 'message')
      return reply
    },
    close: () => socket.close(),
  }
}

/** Askers that share a connection: none waits for the replies of the others. */
function pipelinedAskers(port: number, count: number): readonly Asker[] {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const waiting = new Map<number, PromiseWithResolvers<Uint8Array>>()
  let input = Buffer.alloc(0)
  socket.on('data', (octets: Buffer) => {
    input = Buffer.concat([input, octets])
    while (input.length >= 2 && input.length >= 2 + input.readUInt16BE(0)) {
      const end = 2 + input.readUInt16BE(0)
      waiting.get(input.readUInt16BE(2))?.resolve(input.subarray(2, end))
      input = input.subarray(end)
    }
  })
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the connection was closed'))
  })
  return Array.from({ length: count }, (_, number) => ({
    name: `pipeline ${number + 1}`,
    ask(request) {
      const reply = Promise.withResolvers<Uint8Array>()
      waiting.set((request[0] << 8) | request[1], reply)
      socket.write(Buffer.from([request.length >> 8, request.length & 0xff, ...request]))
      return reply.promise
    },
    close: () => socket.destroy(),
  }))
}

describe('SIGTERM while an upstream is slow', () => {
  const answered = answering()
  let upstream: ScriptedUpstream
  let certificates: CertificateFolder
  let server: RunningServer
  let askers: readonly Asker[]
  before(async () => {
    certificates = certificateFolder()
    certificates.issue('server')
    upstream = await startUpstream(answered)
    const ports = { tls: await freePort(), https: await freePort(), grpc: await freePort() }
    const [cert, key] = ['server.pem', 'server.key'].map((name) => join(certificates.path, name))
    server = await startServer({
      corefile: ({ dns, health, ready }) => `
(all) {
    bind 127.0.0.1
    forward . ${upstream.to} {
        max_fails 0
        read_timeout 4s
    }
}
.:${dns} {
    import all
    ready 127.0.0.1:${ready}
    health 127.0.0.1:${health} {
        lameduck 100ms
    }
}
${Object.entries(ports)
  .map(([scheme, port]) => `${scheme}://.:${port} {\n    import all\n    tls ${cert} ${key}\n}`)
  .join('\n')}
`,
    })
    const portOf = { ...ports, dns: server.ports.dns }
    const client = (way: (typeof allWays)[number]): StreamClient =>
      streamClient(way, { port: portOf[ways[way]], ca: certificates.authority.cert })
    askers = [
      udpAsker(server.ports.dns),
      ...pipelinedAskers(server.ports.dns, 6),
      // Two of each: one has a question under way when the signal comes, the other asks after it.
      ...allWays.flatMap((way) => [1, 2].map((number) => ({ name: `${way} ${number}`, ...client(way) }))),
    ]
    // Connections and TLS are set up ahead: a question has 5 s in all.
    await Promise.all(askers.map(({ ask }, id) => ask(question(`ahead-${id}.example A`, id))))
  })
  after(async () => {
    for (const { close } of askers ?? []) close()
    await server?.stop()
    await upstream?.close()
    certificates?.remove()
  })

  it('SIGTERM loses no question over any transport, asked before it or after it, and the exit code is 0', async () => {
    const waiting: Arrived[] = []
    upstream.script = (arrived) => void waiting.push(arrived)
    const asked = new Map<string, Promise<Uint8Array>>()
    const askAll = (those: readonly Asker[]): void => {
      for (const { name, ask } of those) {
        const id = asked.size
        asked.set(`${name} ${id}`, ask(question(`slow-${id}.example A`, id)))
      }
    }
    const haveArrived = (): Promise<void> =>
      until(() => {
        const names = new Set(waiting.map(({ query }) => query.questions[0].name))
        assert.equal(names.size, asked.size)
      })
    askAll(askers.filter((_, i) => i % 2 === 0))
    await haveArrived()
    server.signal('SIGTERM')
    await until(async () => assert.equal((await server.http('ready', '/ready')).status, 503))
    askAll(askers.filter((_, i) => i % 2 === 1))
    await haveArrived()
    upstream.script = answered
    for (const arrived of waiting) answered(arrived)
    for (const [name, reply] of asked) {
      const octets = await reply.catch((error: unknown) => assert.fail(`${name}: ${error}`))
      // NOERROR, one answer.
      assert.deepEqual([name, octets[3] & 15, octets[7]], [name, 0, 1])
    }
    assert.deepEqual(await server.exited, { code: 0, signal: null })
  })
})

it('SIGTERM waits for the upstream of a question that a thread has relayed, when nobody asks any more', async (t) => {
  let waiting: Arrived | undefined
  let isSilent = true
  // The question is asked anew where the listeners take long to go.
  const upstream = await startUpstream((arrived) => {
    if (arrived.query.questions[0].type !== 1) return
    waiting = arrived
    if (!isSilent) answering()(arrived)
  })
  t.after(() => upstream.close())
  const server = await startServer({
    corefile: ({ dns }) =>
      `.:${dns} {\n    bind 127.0.0.1\n    forward . ${upstream.to} {\n        read_timeout 15s\n    }\n}\n`,
  })
  t.after(() => server.stop())
  const udp = udpAsker(server.ports.dns)
  t.after(udp.close)
  const reply = udp.ask(question('relayed.example A', 1))
  await until(() => assert.ok(waiting))
  server.signal('SIGTERM')
  // The listeners go when a second has passed without a question.
  await until(async () => {
    // One that is accepted is reset when the listeners go.
    const socket = connect(server.ports.dns, '127.0.0.1').on('error', () => undefined)
    await assert.rejects(once(socket, 'connect').finally(() => socket.destroy()))
  })
  isSilent = false
  answering()(waiting!)
  const octets = await Promise.race([reply, server.exited])
  assert.ok('length' in octets, 'the server has ended, and no reply has come')
  assert.deepEqual([octets[3] & 15, octets[7]], [0, 1])
  assert.deepEqual(await server.exited, { code: 0, signal: null })
})
