/** The scenarios in real time: a server as a process, an upstream on real sockets, all names at once. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type } from '../../../src/dns/codes.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { freePort } from '../../support/ports.ts'
import { startServer } from '../pair.ts'
import { ask, edns } from '../queries.ts'
import { askedAt, asksForAd, behaviourAt, forwardBody, type Scenario } from './scenarios.ts'
import { isVersioned, say, verdictOf } from './script.ts'

/** Milliseconds over which the scenarios begin, so that the machine is never busy with all of them. */
const spread = 30_000
const readyName = 'ready.test.'

/** What a server (`command -conf FILE`) says to each question of each scenario. */
export async function runLive(command: readonly string[], list: readonly Scenario[]): Promise<string[][]> {
  const startedAt: (number | undefined)[] = []
  const upstream = await startTimedUpstream(list, (index) => startedAt[index])
  const folder = mkdtempSync(join(tmpdir(), 'cache-verdicts-'))
  const port = await freePort()
  const corefile = join(folder, 'Corefile')
  writeFileSync(corefile, corefileOf(list, port, upstream.port))
  const server = await startServer([...command, '-conf', corefile], port, readyName)
  try {
    return await Promise.all(
      list.map(async (_, index) => {
        await delay((index / list.length) * spread)
        const begin = performance.now()
        startedAt[index] = begin
        const verdicts = askedAt.map(async (at, step) => {
          await delay(Math.max(0, begin + at - performance.now()))
          const question = ask(nameOf(index), type.A, { edns: edns(1232), authenticData: asksForAd(step) })
          const reply = await server.client.ask(question)
          return verdictOf(reply && parseMessage(reply))
        })
        return Promise.all(verdicts)
      }),
    )
  } finally {
    await server.stop()
    upstream.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

export const nameOf = (index: number): string => `www.b${index}.test.`

function corefileOf(list: readonly Scenario[], port: number, upstream: number): string {
  const body = (lines: readonly string[]) => lines.map((line) => `        ${line}\n`).join('')
  const blocks = list.map(
    ({ options }, index) =>
      `b${index}.test:${port} {\n    bind 127.0.0.1\n    cache {\n${body(options)}    }\n` +
      `    forward . 127.0.0.1:${upstream} {\n${body(forwardBody)}    }\n}\n`,
  )
  return `${readyName}:${port} {\n    bind 127.0.0.1\n    whoami\n}\n${blocks.join('')}`
}

async function startTimedUpstream(list: readonly Scenario[], startedAt: (index: number) => number | undefined) {
  const versions = new Map<number, number>()
  const port = await freePort()
  const udp = createSocket('udp4')
  const answer = (octets: Uint8Array): Uint8Array | undefined => {
    const query = parseMessage(octets)
    const index = Number(/^www\.b(\d+)\./.exec(query.questions[0].name)?.[1])
    const begin = startedAt(index)
    if (begin === undefined) return undefined
    const behaviour = behaviourAt(list[index], performance.now() - begin)
    const version = (versions.get(index) ?? 0) + 1
    const reply = say(behaviour, query, version)
    if (isVersioned(behaviour)) versions.set(index, version)
    return reply
  }
  udp.on('message', (octets, from) => {
    const reply = answer(octets)
    if (reply) udp.send(reply, from.port, from.address)
  })
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', (octets: Buffer) => {
      received = Buffer.concat([received, octets])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const reply = answer(received.subarray(2, end))
        received = received.subarray(end)
        if (!reply) continue
        const frame = Buffer.alloc(2 + reply.length)
        frame.writeUInt16BE(reply.length, 0)
        frame.set(reply, 2)
        socket.write(frame)
      }
    })
  })
  udp.bind(port, '127.0.0.1')
  tcp.listen(port, '127.0.0.1')
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
  return {
    port,
    close() {
      udp.close()
      tcp.close()
    },
  }
}
