/**
 * Random differential testing: the cluster is changed through the API while both servers serve, both have the same state
 * before they are compared, and what differs is shrunk to few objects and one question.
 */
import { type as rrType } from '../../src/dns/codes.ts'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { isSubdomain, lowerName } from '../../src/dns/name.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import type { ControlPlane } from '../support/control-plane.ts'
import { createObject } from './api.ts'
import { defineServiceImports, importedSlice, serviceImport } from './clusterset.ts'
import type { Configuration } from './configuration.ts'
import { alsoAnswers, askBoth, type Difference } from './differential.ts'
import { apply, type LiveCluster, put, remove } from './live-cluster.ts'
import { randomChange } from './mutate.ts'
import { type KubernetesObject, namespace, service, slice } from './objects.ts'
import { type Pair, startPair } from './pair.ts'
import { everyRecord, hasCache, same } from './pairing.ts'
import { type Ask, questions } from './queries.ts'
import { createRandom, type Random } from './random-source.ts'
import { placeMarks, settle } from './settle.ts'
import { transferDifferences } from './transfers.ts'

const roundsOfConfiguration = 40
const changesOfRound = 6
const questionsOfRound = 500
/** Transfers are compared in one round of so many. */
const roundsOfTransfer = 5
/** What servers are silent about takes seconds to ask (docs/differences.md): done in one round of so many. */
const roundsOfSilence = 40
const timesAskedAgain = 5
const shownDifferences = 5

interface Tally {
  rounds: number
  passed: number
  failed: number
  /** Of those passed: questions to which CoreDNS has several answers. */
  eitherWay: number
  /** Questions that were answered alike when asked again: the first time a server had been silent. */
  late: number
  readonly excused: Map<string, number>
}

export async function runAtRandom(
  chosen: readonly Configuration[],
  plane: ControlPlane,
  upstreamPort: number,
  seed: number,
  minutes: number,
): Promise<Tally> {
  const deadline = performance.now() + minutes * 60_000
  const random = createRandom(seed)
  const live: LiveCluster = { plane, objects: new Map(), markers: 0 }
  await populate(live)
  const tally: Tally = { rounds: 0, passed: 0, failed: 0, eitherWay: 0, late: 0, excused: new Map() }
  const isOver = () => performance.now() > deadline || tally.failed >= shownDifferences
  for (let episode = 0; !isOver(); episode++) {
    const configuration = chosen[episode % chosen.length]!
    const kubeconfig = plane.kubeconfig(plane.adminToken)
    const surroundings = { kubeconfig, otherKubeconfig: kubeconfig, upstream: `127.0.0.1:${upstreamPort}` }
    const started = await startPair(configuration, surroundings, withoutClusterAnswers)
    const pair: Pair = {
      ...started,
      excuse: (asked, wanted, got) => started.excuse(asked, wanted, got) ?? agedOtherwise(started, wanted, got),
    }
    try {
      for (let round = 0; round < roundsOfConfiguration && !isOver(); round++) {
        const found = await playRound(live, pair, configuration, random, round, tally)
        if (found === undefined) continue
        print(`--seed ${seed}, ${configuration.name}, round ${round}: ${found}`)
        break
      }
    } finally {
      await pair.stop()
    }
    print(`${configuration.name}: ${summary(tally)}`)
  }
  for (const [reason, times] of tally.excused) print(`${times} differ as documented (${reason})`)
  return tally
}

const summary = ({ rounds, passed, failed, eitherWay, late }: Tally): string =>
  `${rounds} rounds, ${passed} equal so far (${eitherWay} of them to one of CoreDNS's answers), ` +
  `${late} after a silence, ${failed} differ`

async function populate(live: LiveCluster): Promise<void> {
  await defineServiceImports(live.plane)
  for (const name of ['apps', 'net', 'data', 'temp']) {
    await put(live, namespace(name, name === 'data' ? {} : { exposed: 'yes' }))
  }
  // The settled name of every configuration: selected by labels, and with an endpoint for `ignore empty_service`.
  const labels = { exposed: 'yes', tier: 'front' }
  const ports = [{ port: 80 }]
  const web = serviceImport('apps', 'web', { ips: ['10.100.1.1'], ports })
  const settled = [
    service('apps', 'web', { clusterIP: '10.96.1.1', ports, labels }),
    slice('apps', 'web', 'web', 'IPv4', ports, [['10.40.1.1']], labels),
    { ...web, metadata: { ...web.metadata, labels } },
    importedSlice('apps', 'web', 'east', 'IPv4', ports, [['10.110.1.1']]),
  ]
  for (const object of settled) await createObject(live.plane, object)
  await placeMarks(live)
}

/**
 * CoreDNS's `cache` told to leave the cluster's zones alone, as ours does whatever it is told: what it had kept would show
 * how the cluster was.
 */
function withoutClusterAnswers(corefile: string): string {
  const [, zones] = /kubernetes (.+) \{/.exec(corefile)!
  return corefile.replace(
    /^( *)cache 30( \{[^}]*\})?$/m,
    `$1cache 30 {\n$1  disable success ${zones}\n$1  disable denial ${zones}\n$1}`,
  )
}

/** What differs, in words, or undefined. */
async function playRound(
  live: LiveCluster,
  pair: Pair,
  { zone, more, transfers = [] }: Configuration,
  random: Random,
  round: number,
  tally: Tally,
): Promise<string | undefined> {
  const touched: KubernetesObject[] = []
  for (let left = 1 + random.below(changesOfRound); left > 0; left--) {
    for (const change of randomChange(random, live.objects)) touched.push(...(await apply(live, change)))
  }
  await settle(live, pair)
  const zones = zone === 'clusterset.local.' ? [zone, 'cluster.local.'] : [zone]
  const about = (objects: readonly KubernetesObject[]): Ask[] => [
    ...zones.flatMap((one) => questions(objects, one)),
    ...(more?.(objects) ?? []),
  ]
  const [near, far] = [about(touched), about([...live.objects.values()])]
  const drawn = Array.from({ length: questionsOfRound }, (_, at) => random.pick(at % 3 === 0 ? far : near))
  const asks = round % roundsOfSilence === 0 ? drawn : drawn.filter((asked) => !meetsSilence(asked))
  const { agreed, eitherWay, excused, failed } = await askBoth(asks, pair)
  for (const [reason, times] of excused) count(tally, reason, times)
  tally.rounds++
  tally.passed += agreed.length + eitherWay.length
  tally.eitherWay += eitherWay.length
  const lasting = await judged(await askedAgain(failed, pair, tally), pair, tally)
  if (lasting !== undefined) return shrunk(live, pair, lasting)
  if (round % roundsOfTransfer !== 0) return undefined
  const texts: string[] = []
  for (const transferred of transfers) {
    const different = await transferDifferences(transferred, pair.theirs.port, pair.ours.port)
    texts.push(...different.map((text) => `transfer of ${transferred} ${text}`))
  }
  if (texts.length === 0) return undefined
  tally.failed += texts.length
  return `${texts.join('\n')}\n${pair.corefile}\n${listed(live)}`
}

/**
 * Without what was silence, or a SERVFAIL for an upstream's silence, and is none when the machine, or the harness that is
 * the upstream, gets round to it.
 */
async function askedAgain(failed: readonly Difference[], pair: Pair, tally: Tally): Promise<readonly Difference[]> {
  const isStarved = ({ wanted, got }: Difference) => [wanted, got].some((reply) => !reply || (reply[3]! & 15) === 2)
  const others = failed.filter((difference) => !isStarved(difference))
  let starved = failed.filter(isStarved)
  for (let time = 0; time < timesAskedAgain && starved.length > 0; time++) {
    const again = await askBoth(
      starved.map(({ asked }) => asked),
      pair,
    )
    tally.late += starved.length - again.failed.length
    starved = again.failed
  }
  return [...others, ...starved]
}

/**
 * The first of the differences that is one. CoreDNS keeps the slices of a service in a Go map, whose order is that of
 * their creation: which of them come first, and so which records a truncated reply has, depends on its past. One that
 * was started a moment ago has the order of their names, as ours always has.
 */
async function judged(failed: readonly Difference[], pair: Pair, tally: Tally): Promise<Difference | undefined> {
  if (failed.length === 0) return undefined
  const fresh = await pair.another()
  let first: Difference | undefined
  for (const difference of failed) {
    const { asked, text, got } = difference
    if (await alsoAnswers(fresh.client, asked, got, pair)) {
      print(`CoreDNS, started again, answers as slicedns does: ${text}`)
      tally.passed++
      tally.eitherWay++
    } else {
      tally.failed++
      first ??= difference
    }
  }
  await fresh.stop()
  return first
}

/**
 * What is not in the cluster is in both caches (but for zones that `withoutClusterAnswers` speaks of), since different
 * moments. CoreDNS's gives all records of a reply the lowest TTL, an alias in the cluster too.
 */
function agedOtherwise(
  { corefile, zone }: Pair,
  wanted: Uint8Array | undefined,
  got: Uint8Array | undefined,
): string | undefined {
  if (!hasCache(corefile) || !got || !wanted) return undefined
  const [left, right] = [parseMessage(wanted), parseMessage(got)]
  const isOutside = ({ name }: ResourceRecord) => !isSubdomain(zone, lowerName(name)) && !name.endsWith('.arpa.')
  // An FQDN slice's CNAME comes from CoreDNS once for each of its ports (excuses.ts).
  const answer = [...new Map(left.answer.map((record) => [recordText({ ...record, ttl: 0 }), record])).values()]
  const authoritative = left.authoritative || right.authoritative
  const isEqual = same({ ...left, answer, authoritative }, { ...right, authoritative }, { anyTtl: true })
  return isEqual && everyRecord(right).some(isOutside) ? 'cache keeps what is not in the cluster' : undefined
}

/** Takes objects away as long as the difference stays. */
async function shrunk(live: LiveCluster, pair: Pair, { asked, text }: Difference): Promise<string> {
  let last = text
  const stillDiffers = async (): Promise<boolean> => {
    await settle(live, pair)
    const [found] = (await askBoth([asked], pair)).failed
    if (found) last = found.text
    return found !== undefined
  }
  if (!(await stillDiffers()))
    return `${text}\n  and was gone when asked again: an answer that came late\n${lastLines(pair)}`
  for (const object of [...live.objects.values()]) {
    if (object.kind === 'Namespace') continue
    await remove(live, object)
    if (!(await stillDiffers())) await put(live, object)
  }
  for (const { key, at } of endpointsOf(live)) {
    const current = live.objects.get(key)!
    await put(live, { ...current, endpoints: (current.endpoints as readonly unknown[]).toSpliced(at, 1) })
    if (!(await stillDiffers())) await put(live, current)
  }
  return `\n${pair.corefile}\n${listed(live)}${last}`
}

/** A malformed datagram, or the address of an endpoint that was imported (random-objects.ts). */
const meetsSilence = ({ name, type, shape }: Ask): boolean =>
  shape !== undefined ||
  (type === rrType.PTR && /\.110\.10\.in-addr\.arpa\.$|\.0\.1\.1\.0\.0\.0\.d\.f\.ip6\.arpa\.$/i.test(name))

/** What the servers printed: errors of upstreams, for one. */
const lastLines = ({ theirs, ours }: Pair): string =>
  [theirs, ours].flatMap((server) => server.output().trim().split('\n').slice(-4)).join('\n')

const listed = ({ objects }: LiveCluster): string =>
  `objects besides the marks:\n${[...objects.values()].map((object) => `  ${JSON.stringify(object)}\n`).join('')}`

/** The last one of each slice first: places of the others stay as they are when it goes. */
function endpointsOf({ objects }: LiveCluster): { key: string; at: number }[] {
  return [...objects].flatMap(([key, { endpoints = [] }]) =>
    (endpoints as readonly unknown[]).map((_, at) => ({ key, at })).reverse(),
  )
}

function count({ excused }: Tally, reason: string, times = 1): void {
  excused.set(reason, (excused.get(reason) ?? 0) + times)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
