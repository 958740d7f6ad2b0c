/**
 * `node run.js test/conformance/cache/index.ts [--record] [COUNT]`: the real CoreDNS and the built slicedns go through the
 * scenarios in real time, and every difference is printed. `--record` writes what CoreDNS said to recorded.txt. A machine
 * that is busy makes answers late: scenarios that differ are run again, twice.
 */
import { peer } from '../../support/peers.ts'
import { builtServer, runtime } from '../../support/server.ts'
import { excuse } from './excuses.ts'
import { runLive } from './live.ts'
import { recordedCount, writeRecording } from './recording.ts'
import { type Scenario, scenarios } from './scenarios.ts'

const attempts = 3

interface Compared {
  readonly scenario: Scenario
  readonly theirs: readonly string[]
  readonly ours: readonly string[]
}

async function main(): Promise<number> {
  const words = process.argv.slice(2)
  const count = Number(words.find((word) => /^\d+$/.test(word)) ?? recordedCount)
  const list = scenarios(count)
  const found = new Map<string, Compared>()
  let left: readonly Scenario[] = list
  for (let attempt = 0; attempt < attempts && left.length > 0; attempt++) {
    const [theirs, ours] = await Promise.all([runLive([peer('coredns')!], left), runLive([runtime, builtServer], left)])
    for (const [index, scenario] of left.entries()) {
      found.set(scenario.title, { scenario, theirs: theirs[index]!, ours: ours[index]! })
    }
    left = left.filter(({ title }) => isDifferent(found.get(title)!))
    process.stdout.write(`attempt ${attempt + 1}: ${left.length} scenarios differ\n`)
  }
  for (const scenario of left) {
    const { theirs, ours } = found.get(scenario.title)!
    process.stdout.write(`${scenario.title}\n  coredns  ${theirs.join(' ')}\n  slicedns ${ours.join(' ')}\n`)
  }
  if (words.includes('--record')) writeRecording(list.map(({ title }) => ({ title, said: found.get(title)!.theirs })))
  process.stdout.write(`${list.length} scenarios, ${left.length} differ\n`)
  return left.length > 0 ? 1 : 0
}

const isDifferent = ({ scenario, theirs, ours }: Compared): boolean =>
  theirs.some((verdict, step) => verdict !== ours[step]) && excuse(scenario, theirs, ours) === undefined

process.exitCode = await main()
