/** The built server between a test API server and two upstreams, under constant questions whose every answer is judged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom, type Random } from '../conformance/random-source.ts'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { freePorts, type Ports, type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type Asker, type Heard, openAsker } from './asker.ts'
import { createModel, type Model } from './model.ts'

export interface World {
  readonly api: ApiServer
  readonly model: Model
  readonly random: Random
  readonly ports: Ports
  readonly upstreams: readonly [ScriptedUpstream, ScriptedUpstream]
  /** Where the server keeps its snapshot. */
  readonly snapshots: string
  server(): RunningServer
  /** Ends the server as the kernel would, and starts it again on the same ports. */
  restart(): Promise<void>
  /** From now on the server may know less than what is true, until `recover` has seen that it does not. */
  doubt(): void
  /** Waits until every name is answered with what is true now. */
  recover(): Promise<void>
  /** Writes the Corefile; a comment makes each one another. */
  writeCorefile(comment: string, line?: string): void
  /** Wrong answers, and questions without one, so far. */
  readonly failures: readonly string[]
  readonly counts: { answers: number; wrong: number; missing: number }
  stop(): Promise<void>
}

export interface WorldOptions {
  readonly seed: number
  readonly services?: number
  /** Questions a second. */
  readonly rate?: number
  /** Changes of the cluster a second. */
  readonly changes?: number
  /** Datagrams after which the UDP thread dies. */
  readonly threadDiesAfter?: number
}

const servfail = 2
const nxdomain = 3
/** Milliseconds from a change to its answer that a busy machine may take, where nothing is at fault. Speed is what bench/ measures. */
const slack = 3_000
/** Milliseconds that back-off and timeouts take after the last fault. */
const recovery = 75_000
const tick = 20
/** Milliseconds without a turn after which upstreams may count as down, and those until they are up again. */
const stall = 300
const upstreamsForgive = 5_000
/** Questions at once, at most. */
const burst = 40

export async function startWorld({
  seed,
  services = 24,
  rate = 200,
  changes = 50,
  threadDiesAfter,
}: WorldOptions): Promise<World> {
  /** Milliseconds since the beginning, without those in which this process had no turn: then the server had none either. */
  let time = 0
  let stalledAt = Number.NEGATIVE_INFINITY
  const random = createRandom(seed)
  const api = await startApiServer({ token: 'first' })
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-faults-'))
  const snapshots = join(folder, 'snapshots')
  const tokenFile = join(api.folder, 'token')
  writeFileSync(tokenFile, 'first')
  const kubeconfig = api.kubeconfig({ user: { token: undefined, tokenFile } })
  const model = createModel(api, random, services, () => time)
  const upstreams = [
    await startUpstream(answering('192.0.2.1', 0)),
    await startUpstream(answering('192.0.2.1', 0)),
  ] as const
  const ports = await freePorts()
  const failures: string[] = []
  const counts = { answers: 0, wrong: 0, missing: 0 }
  /** Since when the server may know less than what is true. */
  let doubtedSince: number | undefined
  let isDown = false
  /** When the cluster stood still last, and what each name was answered since. */
  let settledSince = Number.POSITIVE_INFINITY
  const settled = new Map<string, string>()
  let outside = 0

  const corefile = (comment: string, line = ''): string => `# ${comment}
.:${ports.dns} {
    bind 127.0.0.1
    errors
    health 127.0.0.1:${ports.health}
    ready 127.0.0.1:${ports.ready}
    prometheus 127.0.0.1:${ports.metrics}
    ${line}
    kubernetes cluster.local {
        kubeconfig ${kubeconfig}
        ttl 0
        snapshot ${snapshots}
    }
    forward . ${upstreams.map(({ to }) => to).join(' ')} {
        policy round_robin
        failover SERVFAIL
    }
    cache 30
    loadbalance
}
`
  const start = (): Promise<RunningServer> =>
    startServer({
      corefile: () => corefile('first'),
      ports,
      waitFor: 'ready',
      env: threadDiesAfter ? { SLICEDNS_UDP_THREAD_DIES_AFTER: String(threadDiesAfter) } : {},
    })

  const fail = (text: string): void => {
    if (failures.length < 50) failures.push(text)
  }

  function heard({ name, sentAt, heardAt, rcode, addresses }: Heard): void {
    counts.answers++
    if (sentAt >= settledSince && rcode !== servfail) settled.set(name, [...addresses].sort().join(' '))
    const since = Math.min(sentAt, doubtedSince ?? sentAt) - slack
    const wrong = name.endsWith('.example')
      ? faultOutside(rcode, addresses)
      : faultInside(name, rcode, addresses, since, heardAt)
    if (wrong === undefined) return
    counts.wrong++
    fail(`${name} is answered ${wrong}, asked at ${Math.round(sentAt)} ms, answered at ${Math.round(heardAt)} ms`)
  }

  function faultInside(
    name: string,
    code: number,
    addresses: readonly string[],
    since: number,
    to: number,
  ): string | undefined {
    if (code === servfail) return 'SERVFAIL'
    if (code !== 0 && code !== nxdomain) return `rcode ${code}`
    if (code === 0 && addresses.length === 0) return 'NODATA'
    return model.faultOf(name, addresses, since, to)
  }

  /** The upstreams are in this process: where it had no turn for long, they did not answer. */
  function faultOutside(code: number, addresses: readonly string[]): string | undefined {
    if (code === 0 && addresses.join() === '192.0.2.1') return undefined
    if (code === servfail && time - stalledAt < upstreamsForgive) return undefined
    return `rcode ${code} ${addresses.join()}`
  }

  let server = await start()
  const asker: Asker = await openAsker(ports.dns, {
    heard,
    now: () => time,
    missing(name, sentAt) {
      counts.missing++
      fail(`${name} has no answer, asked at ${Math.round(sentAt)} ms`)
    },
  })

  let isChanging = true
  const due = { questions: 0, changes: 0 }
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const passed = Math.min(2 * tick, now - last)
    if (now - last > stall) stalledAt = time
    last = now
    time += passed
    // What a stalled test has missed is not made up for: a burst could fill the socket's buffer.
    due.questions = Math.min(burst, due.questions + (rate * passed) / 1000)
    due.changes = Math.min(burst, due.changes + (changes * passed) / 1000)
    for (; due.questions >= 1; due.questions--) {
      if (!isDown) asker.ask(random.chance(0.1) ? `n${outside++}.example` : model.anyName())
    }
    for (; due.changes >= 1; due.changes--) if (isChanging) model.change()
    model.forget(Math.min(time, doubtedSince ?? time) - 4 * slack)
  }, tick)

  const world: World = {
    api,
    model,
    random,
    ports,
    upstreams,
    snapshots,
    server: () => server,
    async restart() {
      isDown = true
      world.doubt()
      await server.stop('SIGKILL')
      server = await start()
      isDown = false
    },
    doubt() {
      doubtedSince ??= time
    },
    async recover() {
      isChanging = false
      settled.clear()
      settledSince = time
      try {
        await until(
          () => {
            for (const name of model.names) asker.ask(name)
            for (const name of model.names) {
              const [found, expected] = [settled.get(name), [...model.present(name)].sort().join(' ')]
              if (found !== expected)
                throw new Error(`${name} is ${found || 'NXDOMAIN'}, and should be ${expected || 'NXDOMAIN'}`)
            }
          },
          { within: recovery, every: 100 },
        )
      } catch (error) {
        fail(`not recovered: ${error instanceof Error ? error.message : error}\n${server.output().slice(-2_000)}`)
      }
      // Nothing follows from the answers of a server that is lost.
      if (failures.length > 0) return
      // What is still under way was asked in doubt.
      await until(() => {
        if (asker.open > rate) throw new Error('questions wait for answers')
      })
      doubtedSince = undefined
      isChanging = true
    },
    writeCorefile: (comment, line) => writeFileSync(server.corefile, corefile(comment, line)),
    failures,
    counts,
    async stop() {
      clearInterval(timer)
      await until(() => {
        if (asker.open > 0) throw new Error(`${asker.open} questions wait for answers`)
      })
      asker.close()
      const { code } = await server.stop()
      if (code !== 0) fail(`SIGTERM under questions ended with ${code}`)
      await api.stop()
      await Promise.all(upstreams.map((upstream) => upstream.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}
