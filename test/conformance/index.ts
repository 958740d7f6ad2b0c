/**
 * `npm run conformance`: one real API server, one upstream, the real CoreDNS and slicedns with the same Corefile. Both
 * are asked the same questions, and every difference is printed. Exit code 1 when there is one that is not excused.
 */
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { peer, without } from '../support/peers.ts'
import { allObjects, createObject } from './api.ts'
import { conformanceCluster } from './cluster.ts'
import { clusterSetObjects, defineServiceImports, zonalObjects } from './clusterset.ts'
import { describe } from './compare.ts'
import type { Configuration } from './configuration.ts'
import { countsText, fastQuestions, leftToChain, readCounts } from './data-plane.ts'
import { askBoth, type Result } from './differential.ts'
import type { KubernetesObject } from './objects.ts'
import { type Options, readOptions, usage } from './options.ts'
import { type Surroundings, startPair } from './pair.ts'
import { comparePlugin } from './plugins/compare.ts'
import { isRecorded } from './plugins/configuration.ts'
import { startPrimary } from './plugins/primary.ts'
import { runPluginsAtRandom } from './plugins/random/run.ts'
import { type Ask, questions } from './queries.ts'
import { runAtRandom } from './random.ts'
import {
  coreDnsVersion,
  hash,
  recordedQuestions,
  writeCluster,
  writePluginRecording,
  writeRecording,
} from './recorded.ts'
import { transferDifferences } from './transfers.ts'
import { type Compared, compareTwoClusters } from './two-clusters.ts'
import { startUpstream } from './upstream.ts'

const shownDifferences = 1_000
/** One of so many is asked where not all questions are: of more than 120,000. */
const parts = 5
/** The same, where the questions of interest are the configuration's own. */
const partsOfCombined = 60

interface Tally {
  passed: number
  failed: number
}

async function main(): Promise<number> {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`)
    return 2
  }
  const missing = without('coredns', 'etcd', 'kube-apiserver')
  if (missing !== false) {
    process.stdout.write(`conformance skipped: ${missing}\n`)
    return 0
  }
  const upstream = await startUpstream()
  try {
    const tallies = [await compareClusters(options, upstream.port), await comparePlugins(options, upstream.port)]
    const sum = (of: keyof Tally) => tallies.reduce((total, tally) => total + tally[of], 0)
    print(`${sum('passed')} passed, ${sum('failed')} failed`)
    return sum('failed') > 0 ? 1 : 0
  } finally {
    upstream.close()
  }
}

async function compareClusters(options: Options, upstreamPort: number): Promise<Tally> {
  if (options.chosen.length === 0) return { passed: 0, failed: 0 }
  const plane = await startControlPlane()
  try {
    return options.minutes === undefined
      ? await compareFixed(options, plane, upstreamPort)
      : await runAtRandom(options.chosen, plane, upstreamPort, options.seed, options.minutes)
  } finally {
    await plane.stop()
  }
}

async function comparePlugins({ plugins, minutes, seed, record }: Options, upstreamPort: number): Promise<Tally> {
  if (plugins.length > 0 && minutes !== undefined) return runPluginsAtRandom(upstreamPort, seed, minutes, print)
  const tally: Tally = { passed: 0, failed: 0 }
  if (plugins.length === 0) return tally
  const primary = await startPrimary()
  const around = { upstream: `127.0.0.1:${upstreamPort}`, primary: `127.0.0.1:${primary.port}`, kubeconfig: '' }
  for (const configuration of record ? plugins.filter(isRecorded) : plugins) {
    const { name } = configuration
    try {
      const result = await comparePlugin(configuration, around)
      report(name, result)
      if (record) writePluginRecording(name, coreDnsVersion(peer('coredns')!), result.agreed)
      tally.passed += result.agreed.length + result.eitherWay.length
      tally.failed += result.failed.length
    } catch (error) {
      print(`${name}: ${error instanceof Error ? error.message : error}`)
      tally.failed++
    }
  }
  await primary.stop()
  return tally
}

async function compareFixed({ chosen, record }: Options, plane: ControlPlane, upstreamPort: number): Promise<Tally> {
  const objects = [...conformanceCluster(), ...clusterSetObjects(), ...zonalObjects()]
  await defineServiceImports(plane)
  for (const object of objects) await createObject(plane, object)
  if (record) writeCluster(await allObjects(plane))
  const surroundings = { kubeconfig: plane.kubeconfig(plane.adminToken), upstream: `127.0.0.1:${upstreamPort}` }
  const tally: Tally = { passed: 0, failed: 0 }
  // A replay has the objects of one cluster.
  for (const configuration of chosen.filter(({ clusters }) => !record || clusters !== 2)) {
    const results =
      configuration.clusters === 2
        ? await compareTwoClusters(
            configuration,
            plane,
            surroundings,
            sampled(configuration, questions(objects, configuration.zone)),
          )
        : [await compare(configuration, surroundings, objects, record)]
    for (const { title, result, failures } of results) {
      report(title, result)
      for (const line of failures) print(`${title}: ${line}`)
      tally.passed += result.agreed.length + result.eitherWay.length
      tally.failed += result.failed.length + failures.length
    }
  }
  return tally
}

async function compare(
  configuration: Configuration,
  surroundings: Surroundings,
  objects: readonly KubernetesObject[],
  record: boolean,
): Promise<Compared> {
  const { name, zone } = configuration
  const pair = await startPair(configuration, surroundings)
  try {
    const own = configuration.more?.(objects) ?? []
    const all = configuration.combined
      ? [...sampled(configuration, questions(objects, zone)), ...own]
      : sampled(configuration, [...questions(objects, zone), ...own])
    const asks = record ? recordedQuestions(configuration, all) : all
    const result = await askBoth(asks, pair)
    print(`${name}: answered ${countsText(await readCounts(pair))}`)
    if (record) {
      const place = new Map(asks.map((asked, at) => [asked, at]))
      const inOrder = result.agreed.toSorted((a, b) => place.get(a.asked)! - place.get(b.asked)!)
      writeRecording(configuration, coreDnsVersion(peer('coredns')!), inOrder)
      return { title: name, result, failures: [] }
    }
    const failures: string[] = []
    for (const transferred of configuration.transfers ?? []) {
      const differences = await transferDifferences(transferred, pair.theirs.port, pair.ours.port)
      failures.push(...differences.map((text) => `transfer of ${transferred} ${text}`))
    }
    if (configuration.fast) {
      const fast = await fastQuestions(objects, pair)
      const slow = await leftToChain(fast, pair)
      failures.push(...slow.map((text) => `not answered by the data plane: ${text}`))
      print(`${name}: ${fast.length - slow.length} of ${fast.length} questions that must be the data plane's were`)
    }
    return { title: name, result, failures }
  } finally {
    await pair.stop()
  }
}

/** A part of the questions, unless all are wanted: each configuration another one, in every run the same. */
function sampled({ name, whole, combined }: Configuration, asks: Ask[]): Ask[] {
  const count = combined ? partsOfCombined : parts
  const rest = hash(name) % count
  return whole ? asks : asks.filter((asked) => hash(describe(asked)) % count === rest)
}

function report(name: string, { distinct, agreed, eitherWay, excused, failed }: Result): void {
  for (const { text } of failed.slice(0, shownDifferences)) print(`${name}: ${text}`)
  if (failed.length > shownDifferences) print(`… and ${failed.length - shownDifferences} more`)
  for (const asked of eitherWay)
    print(`${name}: CoreDNS answers in several ways, and slicedns in one: ${describe(asked)}`)
  const excuses = [...excused].map(([reason, count]) => `, ${count} differ as documented (${reason})`).join('')
  const same = agreed.length + eitherWay.length
  print(`${name}: ${distinct} distinct questions: ${same} equal${excuses}, ${failed.length} differ`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main()
