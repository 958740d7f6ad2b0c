/** What happens to the process itself: stopped, drowned, short of memory, ended and started. */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { question } from '../support/question.ts'
import { until } from '../support/until.ts'
import type { TestFault } from './faults.ts'
import type { World } from './world.ts'

/** Milliseconds that questions go on behind SIGTERM: longer than it takes until the server drains, shorter than it drains at most. */
const longestAsked = 3_000
/** Datagrams at once: a buffer of 4 MiB has room for some 5,000. */
const salvo = 500
/** Questions that are answered one behind the other: 20 ms each, and the server looks at its queue every 5. */
const looks = 3
/** Outside names a second of the flood. */
const floodRate = 2_000

/** Datagrams that the socket had no room for (proc_pid_net(5)): the last field of the line of its port. */
function dropped({ ports }: World): number {
  const port = `:${ports.dns.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const sockets = lines.filter(([, local, remote]) => local?.endsWith(port) && remote === '00000000:0000')
  return sockets.reduce((sum, fields) => sum + Number(fields.at(-1)), 0)
}

/** Asks from an address of its own, and reads no reply. */
function openCrowd({ ports }: World): { ask(name: string): void; close(): void } {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.3')
  socket.on('error', () => undefined)
  let id = 0
  return {
    ask(name) {
      id = (id + 1) & 0xffff
      socket.send(question(`${name} A`, id), ports.dns, '127.0.0.1')
    },
    close: () => socket.close(),
  }
}

export const processFaults: readonly TestFault[] = [
  {
    name: 'the process is stopped for a moment',
    of: 'process',
    begin(world) {
      world.doubt()
      world.server().signal('SIGSTOP')
      return () => world.server().signal('SIGCONT')
    },
  },
  {
    name: 'the process is stopped, and its socket is full',
    of: 'process',
    notWith: 'memory',
    async begin(world) {
      world.doubt()
      const crowd = openCrowd(world)
      world.server().signal('SIGSTOP')
      const answers = world.window()
      const before = dropped(world)
      await until(
        async () => {
          for (let i = 0; i < salvo; i++) crowd.ask(world.model.anyName())
          await delay(1)
          if (dropped(world) === before) throw new Error('the socket has room')
        },
        { every: 1 },
      )
      return async () => {
        world.server().signal('SIGCONT')
        // The kernel drops a share of the outside names until the server has found its queue short (docs/limits.md), some ms later.
        for (let i = 0; i < looks; i++) await world.untilAnswered()
        answers()
        crowd.close()
      }
    },
  },
  {
    name: 'memory is short, under a flood',
    of: 'memory',
    notWith: 'process',
    isPossible: ({ memory }) => memory !== undefined,
    begin(world) {
      const crowd = openCrowd(world)
      let asked = 0
      const tick = 20
      // The kernel takes pages back and reads them again, on the server's account.
      world.excuseLoad()
      const squeezed = world.memory!.squeeze()
      let before = dropped(world)
      const flood = setInterval(() => {
        // The socket's queue grows by the flood while a thread is replaced, and the next one may be behind for a moment (docs/limits.md).
        const now = dropped(world)
        if (now !== before) world.excuseOutside()
        before = now
        for (let i = 0; i < (floodRate * tick) / 1_000; i++) crowd.ask(`f${asked++}.example`)
      }, tick)
      return () => {
        clearInterval(flood)
        squeezed.release()
        crowd.close()
      }
    },
  },
  {
    name: 'SIGTERM under questions, and a new process',
    of: 'process',
    notWith: 'disk',
    async begin(world) {
      await world.replace(world.random.below(longestAsked))
      return () => undefined
    },
  },
  {
    name: 'SIGTERM under questions that do not stop, and a new process',
    of: 'process',
    notWith: 'disk',
    isLong: true,
    async begin(world) {
      await world.replace(Number.POSITIVE_INFINITY)
      return () => undefined
    },
  },
  {
    name: 'SIGKILL, and a new process',
    of: 'process',
    notWith: 'disk',
    async begin(world) {
      await world.restart()
      return () => undefined
    },
  },
]
