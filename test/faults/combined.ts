/** Faults at random, alone and together, for a time: what `npm run test:faults` and the test do. */
import { setTimeout as delay } from 'node:timers/promises'
import { faults, type TestFault } from './faults.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

export interface Report {
  readonly seed: number
  readonly answers: number
  readonly wrong: number
  readonly missing: number
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
  const met = new Map<string, number>()
  const end = performance.now() + milliseconds
  try {
    while (performance.now() < end) {
      const chosen = choose(world)
      for (const { name } of chosen) met.set(name, (met.get(name) ?? 0) + 1)
      report(chosen.map(({ name }) => name).join('; '))
      await Promise.all(chosen.map((fault) => happen(world, fault)))
      await world.recover()
    }
  } finally {
    await world.stop()
  }
  return { seed: options.seed, ...world.counts, met, failures: world.failures }
}

function choose({ random }: World): readonly TestFault[] {
  const chosen = new Map<string, TestFault>()
  for (let i = 0; i <= random.below(3); i++) {
    const fault = random.pick(faults)
    if (!chosen.has(fault.of)) chosen.set(fault.of, fault)
  }
  return [...chosen.values()]
}

/** Begins the fault, and ends it after a while. */
export async function happen(world: World, fault: TestFault): Promise<void> {
  const finish = await fault.begin(world)
  await delay(shortest + world.random.below(fault.of === 'process' ? 500 : longest - shortest))
  await finish()
}
