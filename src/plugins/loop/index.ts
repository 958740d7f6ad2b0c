import { randomInt } from 'node:crypto'
import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { type } from '../../dns/codes.ts'
import { below } from '../../dns/name.ts'
import { queryMessage } from '../../dns/query.ts'
import { encodeMessage } from '../../dns/wire.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Query } from '../../plugin/query.ts'
import type { Timer } from '../../scheduling/clock.ts'
import { endpointText, type Sending } from '../../upstream/connection.ts'
import { createUdpConnection } from '../../upstream/udp.ts'

/** There are no options. */
export type LoopSettings = Readonly<Record<string, never>>

const schema: DirectiveSchema<LoopSettings> = {
  usage: 'loop',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 0)
    noBody(directive)
    return {}
  },
}

export const loop: Plugin<LoopSettings> = { name: 'loop', schema, setup: setUp }

const second = 1000
/** Milliseconds to wait for an answer, between two attempts, and in all. */
const timing = { answer: 2 * second, pause: second, all: 30 * second } as const
/** Our own query arrives once; each round of a loop brings it once more. */
const sightingsOfALoop = 3
const troubleshooting = 'https://coredns.io/plugins/loop#troubleshooting'

function setUp(_: LoopSettings, setup: Setup): Instance {
  const { clock, block } = setup
  const zone = block.zones[0] ?? '.'
  // A client cannot guess the name, and so cannot stop the server by querying it.
  const token = `${randomInt(2 ** 47)}.${randomInt(2 ** 47)}`
  const name = below(token, zone)
  const listener = { address: ownAddress(block.addresses[0]), port: block.port }
  const connection = createUdpConnection(listener)
  let timer: Timer | undefined
  let sending: Sending | undefined
  let sightings = 0
  let watching = true

  function detect(query: Query): void {
    if (!watching || query.qtype !== type.HINFO || query.name !== name) return
    if (++sightings < sightingsOfALoop) return
    const path = `${endpointText(query.client)} -> ${endpointText(listener)}`
    setup.process.fatal(
      `plugin/loop: Loop (${path}) detected for zone "${zone}", see ${troubleshooting}. Query: "HINFO ${name}"`,
    )
  }

  function ask(until: number): void {
    if (!watching) return
    if (clock.now() >= until) {
      finish()
      return
    }
    sightings = 0
    timer = clock.after(timing.answer, () => again(until))
    sending = connection.send(encodeMessage(queryMessage(name, type.HINFO, true), { limit: 512 }), {
      answer() {
        finish()
        return true
      },
      failed: () => again(until),
    })
  }

  function again(until: number): void {
    timer?.cancel()
    sending?.cancel('silent')
    timer = clock.after(timing.pause, () => ask(until))
  }

  /** An answer means that the query is not in a loop. */
  function finish(): void {
    watching = false
    timer?.cancel()
    connection.close()
  }

  return {
    handler(query, next) {
      detect(query)
      return next(query)
    },
    provides: [provide(relayPassage, passesEverything)],
    serving: () => ask(clock.now() + timing.all),
    stop: finish,
  }
}

/** An address of the block's listener; the loopback address for a wildcard. */
function ownAddress(bound: string | undefined): string {
  if (bound === undefined || bound === '' || bound === '0.0.0.0') return '127.0.0.1'
  return bound === '::' ? '::1' : bound
}
