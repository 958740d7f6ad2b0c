/** The server under test between a test API server and two upstreams, under constant questions whose every answer is judged. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createMemoryCgroup, type MemoryCgroup } from '../attacks/memory-cgroup.ts'
import { createRandom, type Random } from '../conformance/random-source.ts'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { freePorts, type Ports, type RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { createWallClock, type WallClock, withoutWallClock } from '../support/wall-clock/index.ts'
import { type Asker, openAsker } from './asker.ts'
import { type Access, createIdentity, firstToken, type Identity } from './identity.ts'
import { type Counts, createJudge, servfail } from './judge.ts'
import { watchMetrics } from './metrics.ts'
import { createModel, type Model } from './model.ts'
import { createOutsideNames, isOutside } from './outside-names.ts'
import { type CorefileParts, corefileOf, type ServerName, startTestServer } from './servers.ts'

export interface World {
  readonly api: ApiServer
  readonly model: Model
  readonly random: Random
  readonly ports: Ports
  readonly upstreams: readonly [ScriptedUpstream, ScriptedUpstream]
  /** Where the server keeps its snapshot. */
  readonly snapshots: string
  /** The files that say who the server is to the API server. */
  readonly identity: Identity
  /** The server's own; undefined where it cannot have one. */
  readonly wall: WallClock | undefined
  /** The server's own; undefined where this machine gives none. */
  readonly memory: MemoryCgroup | undefined
  server(): RunningServer
  /** Ends the server as the kernel would, and starts it again on the same ports. */
  restart(): Promise<void>
  /**
   * Ends it in good order, under questions for so many milliseconds, and starts it again on the same ports. Infinity: they never
   * stop, and those behind the end that is documented have no reply.
   */
  replace(questions: number): Promise<void>
  /** From now on the server may know less than what is true, until `recover` has seen that it does not. */
  doubt(): void
  /** From now on, until what it gives is called, a question may have no reply. */
  window(): () => void
  /** The kernel has dropped questions for outside names before they were queued: they are among those that wait for replies. */
  excuseOutside(): void
  /** Waits for a reply to a question that is asked from now on. */
  untilAnswered(): Promise<void>
  /**
   * Waits until every name is answered with what is true now, and again after a change of each resource: a watch that waits for its
   * next attempt does not show while nothing changes.
   */
  recover(): Promise<void>
  /** Writes the Corefile; a comment makes each one another. */
  writeCorefile(comment: string, line?: string, option?: string): void
  /** What is asked of the server beside the questions of the judge may take a whole processor. */
  excuseLoad(): void
  /** Something is wrong that is no answer. */
  fail(text: string): void
  /** Wrong answers, and questions without one, so far. */
  readonly failures: readonly string[]
  readonly counts: Counts
  /** Asks no more, waits for what is asked, and ends all; what goes wrong is a failure. Safe to call twice. */
  stop(): Promise<void>
}

export interface WorldOptions {
  readonly seed: number
  /** Default: slicedns. */
  readonly of?: ServerName
  /** Default: plain. */
  readonly cache?: CorefileParts['cache']
  /** After a failure the rest is judged as before: for a server that is measured, not tested. */
  readonly goesOn?: boolean
  readonly services?: number
  /** Questions a second. */
  readonly rate?: number
  /** Changes of the cluster a second. */
  readonly changes?: number
  /** Datagrams after which the UDP thread dies, and then each that takes its place: `500 20 9000`. */
  readonly threadDiesAfter?: string
}

/** Milliseconds from a change to its answer that a busy machine may take, where nothing is at fault. Speed is what bench/ measures. */
const slack = 3_000
/** Milliseconds that back-off and timeouts take after the last fault. */
const recovery = 75_000
/** Changes of each resource that must be served before no watch is in doubt: the first may have come with a list. */
const proofs = 2
const tick = 20
/** Milliseconds without a turn after which upstreams may count as down, and those until they are up again. */
const stall = 300
const upstreamsForgive = 5_000
/** Milliseconds for which what was true is remembered: a recovery, and what a snapshot may be behind at its beginning. */
const remembered = 120_000
/** Questions at once, at most. */
const burst = 40
/** Milliseconds for which a server that ends goes on at most while it is asked, and those that a busy machine may be early or late. */
const longestDrain = 20_000
const drainSlack = 1_000
/** Milliseconds that a snapshot may be behind when its writer is killed: 1 s, 5 s from the last write, and the write. */
const snapshotLag = 15_000
/** Octets, those of the default pod (docs/reliability.md). */
const memoryLimit = 170 * 2 ** 20

function createdCgroup(): MemoryCgroup | undefined {
  const made = createMemoryCgroup(memoryLimit)
  return 'refused' in made ? undefined : made
}

export async function startWorld({
  seed,
  of = 'slicedns',
  cache = 'plain',
  goesOn = false,
  services = 24,
  rate = 200,
  changes = 50,
  threadDiesAfter,
}: WorldOptions): Promise<World> {
  /** Milliseconds since the beginning, without those in which this process had no turn: then the server had none either. */
  let time = 0
  let stalledAt = Number.NEGATIVE_INFINITY
  const random = createRandom(seed)
  const api = await startApiServer({ token: firstToken, clientCertificates: true })
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-faults-'))
  const snapshots = join(folder, 'snapshots')
  const identity = createIdentity(api)
  let access: Access = identity.draw(random)
  const wall = of === 'slicedns' && !withoutWallClock() ? createWallClock() : undefined
  const memory = createdCgroup()
  const model = createModel(api, random, services, () => time)
  const outside = createOutsideNames(random, () => performance.now())
  const upstreams = [await startUpstream(outside.script), await startUpstream(outside.script)] as const
  const ports = await freePorts()
  const judge = createJudge(model, outside, () => time - stalledAt < upstreamsForgive)
  const { counts, failures, fail } = judge
  /** Since when the server may know less than what is true. */
  let doubtedSince: number | undefined
  /** The last time that is over. */
  let lastDoubt = { since: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY }
  let isDown = false
  let isStopping = false
  /** When the youngest question was asked that has a reply. */
  let lastAnswered = Number.NEGATIVE_INFINITY
  let isLeaving = false
  /** Windows that are open. */
  let windows = 0
  /** When the cluster stood still last, and what each name was answered since. */
  let settledSince = Number.POSITIVE_INFINITY
  const settled = new Map<string, string>()

  const corefile = (comment: string, line = '', option = ''): ((ports: Ports) => string) =>
    corefileOf(of, {
      kubeconfig: access.kubeconfig,
      upstreams: upstreams.map(({ to }) => to),
      snapshot: snapshots,
      cache,
      comment,
      line,
      option,
    })
  const dying: Record<string, string> = threadDiesAfter ? { SLICEDNS_UDP_THREAD_DIES_AFTER: threadDiesAfter } : {}

  async function start(): Promise<RunningServer> {
    access = identity.draw(random)
    const started = await startTestServer(of, {
      ports,
      corefile: corefile('first'),
      env: { ...dying, ...access.env, ...wall?.env },
      under: [...(memory?.under ?? []), ...access.under],
    })
    void started.exited.then(({ code, signal }) => {
      if (isDown || isLeaving || isStopping) return
      counts.crashes++
      fail(`the server has ended: ${signal ?? `exit code ${code}`}\n${started.output().slice(-2_000)}`)
      if (goesOn) void replace()
    })
    return started
  }

  async function replace(): Promise<void> {
    const answersAgain = window()
    isDown = true
    await server.stop('SIGKILL')
    server = await start()
    isDown = false
    answersAgain()
  }

  async function replaceInGoodOrder(questions: number): Promise<void> {
    // A server that nobody has asked for a second ends at once.
    await world.untilAnswered()
    isLeaving = true
    const signalled = time
    server.signal('SIGTERM')
    const hasEnded = await Promise.race([
      server.exited.then(() => true),
      delay(Math.min(questions, longestDrain - drainSlack)).then(() => false),
    ])
    // So it does where this process has had no turn for a second.
    const mayBeLost = questions >= longestDrain || (hasEnded && stalledAt >= signalled)
    const answersAgain = mayBeLost ? window() : undefined
    if (questions < longestDrain) isDown = true
    const { code } = await server.exited
    isDown = true
    if (code !== 0) fail(`SIGTERM under questions ended with ${code}`)
    server = await start()
    isDown = false
    isLeaving = false
    answersAgain?.()
  }

  /** What was answered before says nothing of what is true now. */
  function standStill(): void {
    settled.clear()
    settledSince = time
  }

  /** Asks for every name; throws where one was not answered with what is true now since the cluster stands still. */
  function lookAtAll(): void {
    for (const name of model.names) asker.ask(name)
    for (const name of model.names) {
      const [found, expected] = [settled.get(name), [...model.present(name)].sort().join(' ')]
      if (found !== expected) {
        throw new Error(`${name} is ${found || 'NXDOMAIN'}, and should be ${expected || 'NXDOMAIN'}`)
      }
    }
  }

  function window(): () => void {
    windows++
    asker.excuse()
    return () => {
      if (--windows === 0) asker.insist()
    }
  }

  let server = await start()
  const metrics = watchMetrics(() => server, fail)
  const asker: Asker = await openAsker(ports.dns, {
    now: () => time,
    missing: judge.miss,
    lost: judge.lose,
    heard(answer) {
      const { name, sentAt, rcode, addresses } = answer
      lastAnswered = Math.max(lastAnswered, sentAt)
      if (sentAt >= settledSince && rcode !== servfail) settled.set(name, [...addresses].sort().join(' '))
      judge.hear(answer, Math.min(sentAt, doubtedSince ?? sentAt) - slack)
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
      if (!isDown && !isStopping) asker.ask(random.chance(0.15) ? outside.any() : model.anyName())
    }
    for (; due.changes >= 1; due.changes--) if (isChanging) model.change()
    model.forget(Math.min(time, doubtedSince ?? time) - remembered)
  }, tick)

  const world: World = {
    api,
    model,
    random,
    ports,
    upstreams,
    snapshots,
    identity,
    wall,
    memory,
    server: () => server,
    async restart() {
      world.doubt()
      // The snapshot may be older than what fails now, and of a time in which the server did not hear of changes.
      const written = time - snapshotLag
      const known = lastDoubt.until > written ? lastDoubt.since - snapshotLag : written
      doubtedSince = Math.min(doubtedSince ?? time, written, known)
      await replace()
    },
    async replace(questions) {
      world.doubt()
      await replaceInGoodOrder(questions)
    },
    window,
    excuseOutside: () => asker.excuseOpen(isOutside),
    async untilAnswered() {
      const from = time
      await until(() => {
        if (lastAnswered < from) throw new Error('no question is answered')
      })
    },
    doubt() {
      doubtedSince ??= time
    },
    async recover() {
      isChanging = false
      standStill()
      const begun = performance.now()
      let proven = 0
      try {
        await until(
          () => {
            lookAtAll()
            if (proven === proofs) return
            proven++
            model.changeEach()
            standStill()
            throw new Error('a change is not known')
          },
          { within: recovery, every: 100 },
        )
        counts.recovery = Math.max(counts.recovery, performance.now() - begun)
      } catch (error) {
        counts.recovery = Number.POSITIVE_INFINITY
        fail(`not recovered: ${error instanceof Error ? error.message : error}\n${server.output().slice(-2_000)}`)
      }
      if (goesOn) {
        if (counts.recovery === Number.POSITIVE_INFINITY) await replace()
      } else if (failures.length > 0) return // Nothing follows from the answers of a server that is lost.
      // What is still under way was asked in doubt.
      await until(() => {
        if (asker.open > rate) throw new Error('questions wait for answers')
      })
      if (doubtedSince !== undefined) lastDoubt = { since: doubtedSince, until: time }
      doubtedSince = undefined
      isChanging = true
      await metrics.look()
    },
    writeCorefile(comment, line, option) {
      // The folder of a server goes with it, and the next one begins with a Corefile of its own.
      if (existsSync(server.folder)) writeFileSync(server.corefile, corefile(comment, line, option)(ports))
    },
    excuseLoad: metrics.excuseLoad,
    fail,
    failures,
    counts,
    async stop() {
      if (isStopping) return
      isStopping = true
      isChanging = false
      // The time goes on, so that a question that nobody answers counts as missing.
      await until(() => {
        if (asker.open > 0) throw new Error(`${asker.open} questions wait for answers`)
      })
      clearInterval(timer)
      asker.close()
      const { code } = await server.stop()
      if (code !== 0) fail(`SIGTERM under questions ended with ${code}`)
      memory?.remove()
      wall?.remove()
      await api.stop()
      await Promise.all(upstreams.map((upstream) => upstream.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}
