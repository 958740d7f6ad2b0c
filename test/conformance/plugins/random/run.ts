/**
 * Random differential testing of plugins: random Corefiles, several at a time in one process of each server, asked about the
 * names of their rules. What differs is shrunk to few lines and one question.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { peer } from '../../../support/peers.ts'
import { freePort } from '../../../support/ports.ts'
import { builtServer, runtime } from '../../../support/server.ts'
import { until } from '../../../support/until.ts'
import { type Client, openClient } from '../../client.ts'
import { askBoth, type Difference, type Result } from '../../differential.ts'
import { type Asked, startServer } from '../../pair.ts'
import { hasCache } from '../../pairing.ts'
import { type Ask, ask } from '../../queries.ts'
import { createRandom } from '../../random-source.ts'
import { excusePlugin } from '../excuses.ts'
import { settled } from '../pair.ts'
import { questionsNear } from '../questions.ts'
import { corefileOf, type Draft, smaller } from './draft.ts'
import { randomDraft } from './generate.ts'
import { clients } from './words.ts'

const draftsAtOnce = 6
const questionsOfDraft = 300
const shownDifferences = 5
const timesAskedAgain = 3
/** Milliseconds that a failure is kept at most, here and there. */
const failuresAreKept = 5_500
/** Milliseconds: silence (`acl` drops) is waited for so long. */
const patience = 2_000
/** Drafts that are tried while one is shrunk. */
const mostTries = 60

export interface Tally {
  drafts: number
  passed: number
  failed: number
  readonly excused: Map<string, number>
}

export async function runPluginsAtRandom(
  upstreamPort: number,
  seed: number,
  minutes: number,
  print: (line: string) => void,
): Promise<Tally> {
  const deadline = performance.now() + minutes * 60_000
  const tally: Tally = { drafts: 0, passed: 0, failed: 0, excused: new Map() }
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-random-'))
  writeFileSync(join(folder, 'resolv.conf'), 'search r.test b.r.test up.test\nnameserver 127.0.0.1\n')
  const bench: Bench = { folder, upstream: `127.0.0.1:${upstreamPort}` }
  let shown = 0
  try {
    for (let round = 0; performance.now() < deadline && shown < shownDifferences; round++) {
      const drafts = Array.from({ length: draftsAtOnce }, (_, at) =>
        randomDraft(createRandom(seed + 1000 * round + at)),
      )
      for (const text of await playRound(drafts, bench, tally)) {
        print(`--seed ${seed}, round ${round}: ${text}`)
        shown++
      }
      if (round % 10 === 9)
        print(`${tally.drafts} random Corefiles, ${tally.passed} equal so far, ${tally.failed} differ`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const [reason, times] of tally.excused) print(`${times} differ as documented (${reason})`)
  print(`${tally.drafts} random Corefiles, ${tally.passed} equal, ${tally.failed} differ`)
  return tally
}

interface Bench {
  readonly folder: string
  readonly upstream: string
}

/** The differences that were found, in words. */
async function playRound(drafts: readonly Draft[], bench: Bench, tally: Tally): Promise<string[]> {
  const servers = await startBoth(drafts, bench)
  if (servers instanceof Error) return drafts.length === 1 ? [] : separately(drafts, bench, tally)
  const found: { draft: Draft; difference: Difference }[] = []
  try {
    for (const [at, draft] of drafts.entries()) {
      const about = { clients, limit: questionsOfDraft, seed: `${tally.drafts}` }
      const { agreed, eitherWay, excused, failed } = await askOne(draft, at, servers, questionsNear(draft.names, about))
      tally.drafts++
      tally.passed += agreed.length + eitherWay.length
      tally.failed += failed.length
      for (const [reason, times] of excused) tally.excused.set(reason, (tally.excused.get(reason) ?? 0) + times)
      if (failed[0]) found.push({ draft, difference: failed[0] })
    }
  } finally {
    await servers.stop()
  }
  const texts: string[] = []
  for (const { draft, difference } of found) texts.push(await shrunk(draft, difference, bench))
  return texts
}

/** One of the drafts is refused: each is tried alone, and what one server takes and the other does not is a difference. */
async function separately(drafts: readonly Draft[], bench: Bench, tally: Tally): Promise<string[]> {
  const texts: string[] = []
  for (const draft of drafts) {
    const [theirs, ours] = [await refusal(draft, bench, theirCommand), await refusal(draft, bench, ourCommand)]
    if ((theirs === undefined) !== (ours === undefined)) {
      tally.failed++
      texts.push(
        `${corefileOf(draft, { port: 0, ...bench })}CoreDNS: ${theirs ?? 'accepts it'}\nslicedns: ${ours ?? 'accepts it'}`,
      )
    }
    if (theirs === undefined && ours === undefined) texts.push(...(await playRound([draft], bench, tally)))
  }
  return texts
}

const theirCommand = () => [peer('coredns')!]
const ourCommand = () => [runtime, builtServer]

async function refusal(draft: Draft, bench: Bench, command: () => string[]): Promise<string | undefined> {
  try {
    const started = await start([draft], bench, command())
    await started.stop()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : `${error}`
  }
}

interface Started {
  readonly server: Asked
  /** One for each draft. */
  readonly clients: readonly Client[]
  stop(): Promise<void>
}

interface Both {
  readonly theirs: Started
  readonly ours: Started
  stop(): Promise<void>
}

async function startBoth(drafts: readonly Draft[], bench: Bench): Promise<Both | Error> {
  const started: Started[] = []
  const stop = async () => void (await Promise.all(started.map((one) => one.stop())))
  try {
    for (const command of [theirCommand, ourCommand]) started.push(await start(drafts, bench, command()))
    const [theirs, ours] = started
    return { theirs: theirs!, ours: ours!, stop }
  } catch (error) {
    await stop()
    return error instanceof Error ? error : new Error(`${error}`)
  }
}

/** All drafts in one process, each on a port of its own. */
async function start(drafts: readonly Draft[], { folder, upstream }: Bench, command: string[]): Promise<Started> {
  const ports = await Promise.all(drafts.map(() => freePort()))
  const file = join(folder, `${ports[0]}.corefile`)
  const text = drafts.map((draft, at) => corefileOf(draft, { port: ports[at]!, upstream, folder }))
  writeFileSync(file, [...text, ...ports.map((port) => settled.block(port))].join(''))
  const server = await startServer([...command, '-conf', file], ports[0]!, settled.name)
  const all = await Promise.all(ports.map((port) => openClient('127.0.0.1', port, patience)))
  const stop = async () => {
    for (const client of all) client.close()
    await server.stop()
    rmSync(file, { force: true })
  }
  try {
    for (const client of all)
      await until(async () => {
        if (!(await client.ask(ask(settled.name, 1)))) throw new Error(`${command[0]} is not there`)
      })
  } catch (error) {
    await stop()
    throw error
  }
  return { server, clients: all, stop }
}

/** Silence, or a SERVFAIL for an upstream's silence, may be the machine's: it counts when it stays. */
async function askOne(draft: Draft, at: number, both: Both, asks: readonly Ask[]): Promise<Result> {
  let result = await askOnce(draft, at, both, asks)
  const isStarved = ({ wanted, got }: Difference) => [wanted, got].some((reply) => !reply || (reply[3]! & 15) === 2)
  for (let time = 0; time < timesAskedAgain && result.failed.some(isStarved); time++) {
    await sleep(failuresAreKept)
    const again = result.failed.filter(isStarved).map(({ asked }) => asked)
    const { agreed, failed } = await askOnce(draft, at, both, again)
    const others = result.failed.filter((difference) => !isStarved(difference))
    result = { ...result, agreed: [...result.agreed, ...agreed], failed: [...others, ...failed] }
  }
  return result
}

function askOnce(draft: Draft, at: number, { theirs, ours }: Both, asks: readonly Ask[]): Promise<Result> {
  const corefile = corefileOf(draft, { port: 0, upstream: '', folder: '' })
  const asked = ({ server, clients: all }: Started): Asked => ({ ...server, client: all[at]! })
  return askBoth(asks, {
    theirs: asked(theirs),
    ours: asked(ours),
    zone: '.',
    corefile,
    excuse: (question, wanted, got) => excusePlugin(question, wanted, got, corefile),
    manner: { inOrder: hasCache(corefile), silent: /^ *drop/m.test(corefile), tries: 6 },
  })
}

/** Leaves parts of the draft out as long as the question is answered differently. */
async function shrunk(draft: Draft, { asked, text }: Difference, bench: Bench): Promise<string> {
  let [current, last] = [draft, text]
  let tries = 0
  const stillDiffers = async (candidate: Draft): Promise<string | undefined> => {
    const servers = await startBoth([candidate], bench)
    if (servers instanceof Error) return undefined
    try {
      return (await askOne(candidate, 0, servers, [asked])).failed[0]?.text
    } finally {
      await servers.stop()
    }
  }
  const alone = await stillDiffers(draft)
  if (alone === undefined) return `${corefileOf(draft, { port: 0, ...bench })}${text}\n  only behind other questions`
  for (let found = true; found && tries < mostTries; ) {
    found = false
    for (const candidate of smaller(current)) {
      if (++tries > mostTries) break
      const differs = await stillDiffers(candidate)
      if (differs === undefined) continue
      ;[current, last, found] = [candidate, differs, true]
      break
    }
  }
  return `\n${corefileOf(current, { port: 0, ...bench })}${last}`
}
