import { resolve } from 'node:path'
import type { SecureContext } from 'node:tls'
import { readRegularFile } from '../../corefile/regular-file.ts'
import { connectableAddress } from '../../dns/address.ts'
import { opcode, rcode } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import { encodeMessage } from '../../dns/wire.ts'
import { upstreamReports } from '../../plugin/capabilities/reports.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { classifyReply } from '../../upstream/answers.ts'
import { type ClientCertificates, readClientCertificates } from '../../upstream/client-certificates.ts'
import { failureReason, otherAnswer } from '../../upstream/failure.ts'
import { createGrpcUpstream, type GrpcUpstream, LostConnection } from '../../upstream/grpc.ts'
import { createGrpcMetrics, type GrpcMetrics } from './metrics.ts'
import { type GrpcSettings, readServers, schema } from './settings.ts'

export const grpc: Plugin<GrpcSettings> = { name: 'grpc', schema, readFiles, setup }

/** Octets of the largest message. */
const largest = 65_535
/**
 * Milliseconds for an upstream while another can be asked, as `read_timeout` of `forward`; the last one has the rest of
 * the question's 5 s.
 */
const failoverTimeout = 2_000

function setup(settings: GrpcSettings, setup: Setup): Instance {
  const metrics = createGrpcMetrics(setup.metrics)
  const held = openUpstreams(settings, setup, metrics)
  const upstreams = held.map(({ value }) => value)
  if (upstreams.length === 0) setup.fail(noUpstream, settings.at)
  const order = createOrder(settings.policy)
  const takes = createTakes(settings)
  const answers = new Map(upstreams.map(({ to }) => [to, { queries: 0, seconds: 0 }]))
  let underWay = 0
  const fallsThrough = (name: string) => settings.fallthrough?.some((zone) => isSubdomain(zone, name)) ?? false
  function answered(to: string, code: number, seconds: number): void {
    metrics.answered(to, code, seconds)
    const own = answers.get(to)!
    own.queries++
    own.seconds += seconds
  }

  return {
    provides: [
      provide(upstreamReports, () =>
        upstreams.map((upstream) => ({
          from: settings.from,
          to: upstream.to,
          healthy: !upstream.isDown(),
          fails: 0,
          underWay,
          ...answers.get(upstream.to)!,
        })),
      ),
    ],
    async handler(query, next) {
      if (!takes(query.name)) return next(query)
      underWay++
      const count = query.unrecorded ? () => undefined : answered
      const outcome = await ask(query, downLast(order(upstreams)), count, setup).finally(() => void underWay--)
      const failed = outcome.kind === 'rcode' || (outcome.kind === 'reply' && outcome.message.rcode === rcode.NXDOMAIN)
      return failed && fallsThrough(query.name) ? next(query) : outcome
    },
    stop() {
      for (const each of held) each.release()
    },
  }
}

function createTakes({ from, except }: GrpcSettings): (name: string) => boolean {
  return (name) => isSubdomain(from, name) && (name === from || !except.some((zone) => isSubdomain(zone, name)))
}

const downLast = (upstreams: readonly GrpcUpstream[]): readonly GrpcUpstream[] =>
  upstreams.some((each) => each.isDown())
    ? [...upstreams.filter((each) => !each.isDown()), ...upstreams.filter((each) => each.isDown())]
    : upstreams

/** Asks the upstreams one after the other, until one answers or the question ends. */
async function ask(
  query: Query,
  upstreams: readonly GrpcUpstream[],
  answered: GrpcMetrics['answered'],
  { clock }: Setup,
): Promise<Outcome> {
  const { request, budget } = query
  const message = encodeMessage(request, { limit: largest })
  const left = [...upstreams]
  const again = new Set<GrpcUpstream>()
  let failure: Error | undefined
  for (let upstream = left.shift(); upstream && budget.ended === undefined; upstream = left.shift()) {
    const asked = clock.now()
    try {
      const reply = await upstream.query(message, {
        signal: budget.signal,
        timeout: left.length > 0 ? failoverTimeout : undefined,
      })
      const found = reply === 'notFound' ? replyTo(request, { rcode: rcode.NXDOMAIN }) : answerIn(reply, request)
      // An answer to something else is FORMERR, as in CoreDNS.
      const answer = found ?? replyTo(request, { rcode: rcode.FORMERR })
      answered(upstream.to, answer.rcode, (clock.now() - asked) / 1000)
      return { kind: 'reply', plugin: 'grpc', message: answer, ...(!found && { extendedError: otherAnswer }) }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      // The server may have restarted. Only queries are asked again: it may have carried out an UPDATE or NOTIFY.
      if (error instanceof LostConnection && request.opcode === opcode.QUERY && !again.has(upstream)) {
        again.add(upstream)
        left.push(upstream)
      }
    }
  }
  const error = failure ?? new Error('the question has ended')
  return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'grpc', error, extendedError: failureReason(error) }
}

/** Undefined where the reply is to another question. */
function answerIn(reply: Uint8Array, request: Message): Message | undefined {
  const verdict = classifyReply(reply, request.questions[0])
  return verdict.kind === 'answer' && verdict.message.id === request.id ? verdict.message : undefined
}

function createOrder(policy: GrpcSettings['policy']): (all: readonly GrpcUpstream[]) => readonly GrpcUpstream[] {
  let turn = 0
  if (policy === 'sequential') return (all) => all
  if (policy === 'round_robin')
    return (all) => {
      const first = ++turn % all.length
      return [all[first], ...all.slice(0, first), ...all.slice(first + 1)]
    }
  return (all) => {
    const left = [...all]
    return all.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0])
  }
}

/** Equal upstreams with equal certificates are one for all blocks, which keeps its connection across reloads. */
function openUpstreams(settings: GrpcSettings, setup: Setup, metrics: GrpcMetrics): readonly Held<GrpcUpstream>[] {
  const { tls, tlsServerName: servername } = settings
  const certificates = tls || servername ? readCertificates(settings, setup) : undefined
  let context: SecureContext | undefined
  return readServers(settings, setup.block.root).map((target) =>
    setup.process.acquire(`grpc ${JSON.stringify([target, certificates?.digest, servername])}`, () => {
      const upstream = createGrpcUpstream({
        target: 'path' in target ? target : { ...target, address: connectableAddress(target.address) },
        tls:
          certificates &&
          (() => {
            context ??= certificates.create()
            return { secureContext: context, minVersion: 'TLSv1.2', ...(servername && { servername }) }
          }),
        clock: setup.clock,
        onSilent: metrics.silent,
      })
      return { value: upstream, stop: upstream.close }
    }),
  )
}

function readFiles(settings: GrpcSettings, reading: FileReading): void {
  readCertificates(settings, reading)
  if (readServers(settings, reading.block.root).length === 0) reading.fail(noUpstream, settings.at)
}

const noUpstream = 'grpc has no upstream: the files list no nameserver'

function readCertificates({ tls, at }: GrpcSettings, setup: FileReading): ClientCertificates {
  try {
    return readClientCertificates(tls, (path) => readRegularFile(resolve(setup.block.root, path)))
  } catch (error) {
    return setup.fail(`tls: ${errorMessage(error)}`, at)
  }
}
