/** The judge's own thread: what the attacker's code costs this process must not count against the server. */
import { createSocket } from 'node:dgram'
import { get } from 'node:http'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { frame } from '../hostile/streams.ts'
import { type Judgement, type JudgeSettings, type Kind, kinds, type Look, now } from './look.ts'
import { question } from './messages.ts'

const settings: JudgeSettings = workerData
const looks: Look[] = []
/** When each look began that is under way. */
const open = new Map<symbol, number>()
/** When the attack was over. */
let over: number | undefined
/** Since when all was normal, once that is known: nothing is asked any more. */
let normalFrom: number | undefined

/** Milliseconds that this thread has run late so far: the machine was busy, whatever the server did. */
let late = 0
const tick = 10
let lastTick = now()
setInterval(() => {
  late += Math.max(0, now() - lastTick - tick - 1)
  lastTick = now()
}, tick)

function begin(kind: Kind, ended = () => {}): (ok: boolean) => void {
  const at = now()
  const lateBefore = late
  const look = Symbol(kind)
  open.set(look, at)
  const end = (ok: boolean) => {
    if (!open.delete(look)) return
    ended()
    clearTimeout(timer)
    const took = now() - at
    // The tick that is due has not run yet.
    const stolen = late - lateBefore + Math.max(0, now() - lastTick - tick - 1)
    looks.push({ kind, at, ms: ok ? Math.max(0, took - stolen) : undefined })
  }
  const timer = setTimeout(end, settings.patience, false)
  return end
}

const udp = createSocket('udp4')
const waiting = new Map<number, (ok: boolean) => void>()
let id = 0
udp.on('message', (reply) => {
  const answeredId = reply.readUInt16BE(0)
  const answers = reply.readUInt16BE(6)
  waiting.get(answeredId)?.((reply[3] & 15) === 0 && answers > 0)
  waiting.delete(answeredId)
})
udp.on('error', () => undefined)

function lookUdp(kind: Kind, name: string): void {
  id = (id + 1) & 0xffff
  waiting.set(id, begin(kind))
  udp.send(question(name, 'A', { id }))
}

function lookTcp(): void {
  const end = begin('tcp')
  const socket = connect({ port: settings.dns, host: '127.0.0.1', localAddress: settings.from })
  socket.on('error', () => end(false))
  socket.on('close', () => end(false))
  socket.on('connect', () => socket.write(frame(question(settings.table, 'A', { id: 1 }))))
  socket.on('data', (octets: Buffer) => {
    end((octets[5] & 15) === 0)
    socket.destroy()
  })
}

/** Probes do not pile up: kubelet has one under way. More would be a flood of our own. */
const mostHealth = 4
let openHealth = 0

function lookHealth(): void {
  openHealth++
  const end = begin('health', () => {
    openHealth--
  })
  const request = get({
    port: settings.health,
    host: '127.0.0.1',
    localAddress: settings.from,
    path: '/health',
    agent: false,
  })
  request.on('error', () => end(false))
  request.on('response', (response) => {
    response.resume()
    response.on('error', () => end(false))
    response.on('end', () => end(response.statusCode === 200))
  })
}

udp.bind(0, settings.from, () => {
  udp.connect(settings.dns, '127.0.0.1', () => {
    let round = 0
    const rounds = setInterval(() => {
      if (over !== undefined) normalFrom ??= beginningOfNormal(over)
      if (normalFrom !== undefined) {
        if (open.size > 0) return
        clearInterval(rounds)
        parentPort!.postMessage({ looks, normalFrom } satisfies Judgement)
        udp.close()
        process.exit()
      }
      lookUdp('table', settings.table)
      lookUdp('chain', settings.chain)
      if (openHealth < mostHealth) lookHealth()
      if (round % 4 === 0) {
        lookUdp('forwarded', `judge-${settings.run}-${round}.${settings.forwarded}`)
        lookTcp()
      }
      round++
    }, settings.every)
  })
})

parentPort!.on('message', () => {
  over = now()
})

/** Undefined: not known yet. */
function beginningOfNormal(attackEnd: number): number | undefined {
  const { normal, recovery, watched } = settings
  const latest = attackEnd + recovery
  const later = looks.filter(({ at }) => at >= attackEnd)
  const troubles = later.filter(({ kind, ms }) => ms === undefined || ms > normal[kind])
  const from = Math.max(attackEnd, ...troubles.map(({ at }) => at + 1))
  if (from >= latest) return now() < latest + watched ? undefined : latest
  const isWatched = (at: number): boolean => at >= from && at < from + watched
  const complete =
    now() >= from + watched &&
    ![...open.values()].some(isWatched) &&
    kinds.every((kind) => later.some((look) => look.kind === kind && isWatched(look.at)))
  return complete ? from : undefined
}
