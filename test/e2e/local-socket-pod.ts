/** A server as process 1 of its pod: told to look, it prints which servers it sees, and what the one with its own pid says. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { connectLocally, listeningPids, listenLocally } from '../../src/local-socket/index.ts'

const name = process.argv[2]
await listenLocally(createServer((socket) => socket.on('error', () => undefined).end(name)))
process.stdout.write('listens\n')
await once(process.stdin, 'data')
let heard = ''
for await (const text of (await connectLocally(process.pid)).setEncoding('utf8')) heard += text
process.stdout.write(`${JSON.stringify({ pid: process.pid, seen: listeningPids(), heard })}\n`)
process.exit()
