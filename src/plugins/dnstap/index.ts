import { hostname } from 'node:os'
import { metadataScope } from '../../plugin/capabilities/metadata.ts'
import { queryObserver } from '../../plugin/capabilities/query-observer.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Held, Plugin, Setup } from '../../plugin/contract.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { exchangeObserver } from '../forward/capability.ts'
import { checkListener } from './certificates.ts'
import { openIncoming } from './incoming.ts'
import { openOutgoing } from './outgoing.ts'
import { schema, type TapSettings } from './settings.ts'
import type { Sink } from './sink.ts'
import { createTap, needsMetadata } from './tap.ts'
import { createWallClock } from './wall-clock.ts'

/** Messages that may wait for a sink, times the option; CoreDNS's number. */
const queuedMessages = 10_000
/** Octets of them, times the option: what 10,000 full messages of ordinary queries take. */
const queuedOctets = 4 * 1024 * 1024
/** The share of the process's memory limit that the queue of one tap may take. */
const memoryShare = 1 / 16

/** Sends a copy of each query and reply, and of each exchange with an upstream, to dnstap sinks. */
export const dnstap: Plugin<readonly TapSettings[]> = {
  name: 'dnstap',
  schema,
  readFiles(all, { log }) {
    for (const settings of all) checkListener(settings, log)
  },
  setup(all, setup) {
    const wall = createWallClock(setup.clock)
    /** Held while the block runs. Blocks that name the same sink share it, across reloads, too. */
    const held: Held<Sink>[] = []
    const taps = all.map((settings, i) =>
      createTap({
        full: settings.full,
        extra: settings.extra,
        identity: Buffer.from(settings.identity ?? hostname()),
        version: Buffer.from(settings.version ?? setup.process.version),
        wall,
        sink: () => held[i]?.value,
      }),
    )
    const takesMetadata = all.some(needsMetadata)
    const claim = { answers: 'all', reason: 'dnstap: its extra field has metadata' } as const
    const isClaimed = (name: string): boolean =>
      takesMetadata && setup.block.capability(metadataScope)?.covers(name) === true
    return {
      handler(query, next) {
        if (query.unrecorded) return next(query)
        for (const tap of taps) tap.query(query)
        return withOutcome(next(query), (outcome) => taps.reduce((sofar, tap) => tap.outcome(query, sofar), outcome))
      },
      start() {
        for (const settings of all) held.push(acquireSink(settings, setup))
      },
      stop() {
        for (const sink of held) sink.release()
      },
      provides: [
        provide(queryObserver, {
          wants: () => ({ answers: true, denials: true }),
          messages: all.some(({ full }) => full),
          observe(query) {
            for (const tap of taps) tap.answered(query)
          },
        }),
        provide(exchangeObserver, (exchange) => {
          for (const tap of taps) tap.exchange(exchange)
        }),
        ...(takesMetadata
          ? [
              provide(transparency, {
                claims: (name) => (isClaimed(name) ? claim : undefined),
                // Names below one that is not covered may be covered.
                claimsBelow: () => claim,
              }),
            ]
          : []),
      ],
    }
  },
}

function acquireSink(settings: TapSettings, { process, metrics, clock, log }: Setup): Held<Sink> {
  const { address, endpoint, listens, writeBuffer, queue, skipVerify, certificate } = settings
  const key = JSON.stringify({ address, listens, writeBuffer, queue, skipVerify, certificate })
  const dropped = metrics.counter(
    'slicedns_dnstap_dropped_messages_total',
    'Messages that a dnstap sink did not get: more came than it takes, or its connection ended.',
    ['endpoint'],
  )
  const refused = metrics.counter(
    'slicedns_dnstap_refused_sinks_total',
    'Connections of dnstap sinks closed at once because there were enough.',
    ['endpoint'],
  )
  const options = {
    address,
    endpoint,
    skipVerify,
    clock,
    log,
    dropped: dropped.with(address),
    most: {
      messages: queuedMessages * queue,
      octets: Math.min(queuedOctets * Math.max(writeBuffer, queue), process.limits.memory.limit * memoryShare),
    },
  }
  return process.acquire(`dnstap ${key}`, () => {
    const sink = listens
      ? openIncoming({ ...options, certificate, refused: refused.with(address) })
      : openOutgoing(options)
    return { value: sink, start: sink.start, stop: sink.stop }
  })
}
