/** Faults at random, alone and together, for a time: what `npm run test:faults` and the test do. */
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, type Random } from '../conformance/random-source.ts'
import { faults, type TestFault } from './faults.ts'
import type { Counts } from './judge.ts'
import type { ServerName } from './servers.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

export interface Report extends Counts {
  readonly seed: number
  /** How often each was there. */
  readonly met: ReadonlyMap<string, number>
  readonly failures: readonly string[]
}

/** Milliseconds that a fault is there for: some shorter than any timeout, some longer than a back-off. */
const shortest = 100
const longest = 3_000

export interface CombinedOptions extends WorldOptions {
  readonly milliseconds: number
  readonly report?: (line: string) => void
}

/** Rounds of one to three faults at a time, each of another part; after every round the server must have recovered. */
export async function runCombined({
  milliseconds,
  report = () => undefined,
  ...options
}: CombinedOptions): Promise<Report> {
  const world = await startWorld(options)
  // Of its own, so that a seed brings the same faults whatever the server does.
  const random = createRandom(options.seed)
  const met = new Map<string, number>()
  const end = performance.now() + milliseconds
  try {
    // Nothing follows from what a server that has failed does next.
    while (performance.now() < end && (options.goesOn || world.failures.length === 0)) {
      const chosen = choose(random).filter((fault) => isPossible(fault, world, options.of))
      for (const { name } of chosen) met.set(name, (met.get(name) ?? 0) + 1)
      report(chosen.map(({ name }) => name).join('; '))
      await Promise.all(chosen.map((fault) => tryTo(world, fault, lengthOf(fault, random))))
      await world.recover()
    }
  } finally {
    await world.stop()
  }
  return { seed: options.seed, ...world.counts, met, failures: world.failures }
}

function choose(random: Random): readonly TestFault[] {
  const chosen = new Map<string, TestFault>()
  for (let i = 0; i <= random.below(3); i++) {
    const fault = random.pick(faults)
    const others = [...chosen.values()]
    const isExcluded = fault.notWith !== undefined && chosen.has(fault.notWith)
    if (isExcluded || others.some(({ of, notWith }) => of === fault.of || notWith === fault.of)) continue
    chosen.set(fault.of, fault)
  }
  return [...chosen.values()]
}

export const isPossible = ({ notToCoreDns, isPossible }: TestFault, world: World, of?: ServerName): boolean =>
  (of !== 'coredns' || notToCoreDns === undefined) && (isPossible?.(world) ?? true)

/** Milliseconds that a fault may be there for at the most. */
export const longestOf = ({ of }: TestFault): number => (of === 'process' ? 500 : longest)

const lengthOf = (fault: TestFault, random: Random): number => shortest + random.below(longestOf(fault) - shortest)

/** The same where the server may have ended: a fault that cannot happen to it is a failure, and the report is written. */
export async function tryTo(world: World, fault: TestFault, milliseconds: number): Promise<void> {
  try {
    await happen(world, fault, milliseconds)
  } catch (error) {
    world.fail(`"${fault.name}" cannot happen: ${error instanceof Error ? error.message : error}`)
  }
}

/** Begins the fault, and ends it after so many milliseconds, drawn where they are not given. */
export async function happen(
  world: World,
  fault: TestFault,
  milliseconds = lengthOf(fault, world.random),
): Promise<void> {
  const finish = await fault.begin(world)
  await delay(milliseconds)
  await finish()
}
