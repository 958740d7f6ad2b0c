/** Every fault alone, in a world of its own: what clients of each server suffer from it. */
import { happen, longestOf } from './combined.ts'
import { faults, type TestFault } from './faults.ts'
import { type Counts, noCounts } from './judge.ts'
import type { ServerName } from './servers.ts'
import { startWorld, type WorldOptions } from './world.ts'

export interface EachOptions extends Omit<WorldOptions, 'threadDiesAfter' | 'of'> {
  readonly of: ServerName
  /** How often each happens. */
  readonly times: number
  /** Of the faults' names; default: all. */
  readonly matching?: RegExp
}

export interface Row {
  readonly name: string
  /** A text: why it does not apply. */
  readonly outcome: Counts | string
}

/** What a server does to its clients where nothing fails. */
const nothing: TestFault = { name: 'nothing', of: 'api', begin: () => () => undefined }

/** Not one that begins and ends: the thread dies behind so many datagrams. */
const threadDies: TestFault = {
  name: 'its UDP thread dies',
  of: 'process',
  notToCoreDns: 'it has no such thread',
  begin: () => () => undefined,
}
const datagrams = 200

export async function* runEach({ of, times, seed, matching = /./, ...options }: EachOptions): AsyncGenerator<Row> {
  for (const [at, fault] of [nothing, threadDies, ...faults].entries()) {
    if (!matching.test(fault.name)) continue
    if (of === 'coredns' && fault.notToCoreDns) {
      yield { name: fault.name, outcome: `does not apply: ${fault.notToCoreDns}` }
      continue
    }
    let sum = noCounts()
    for (let time = 0; time < times; time++) {
      const world = await startWorld({
        ...options,
        of,
        seed: seed + at * times + time,
        ...(fault === threadDies && { threadDiesAfter: `${datagrams}` }),
      })
      try {
        await happen(world, fault, longestOf(fault))
        await world.recover()
      } finally {
        await world.stop()
      }
      sum = together(sum, world.counts)
    }
    yield { name: fault.name, outcome: sum }
  }
}

const together = (a: Counts, b: Counts): Counts => ({
  answers: a.answers + b.answers,
  wrong: a.wrong + b.wrong,
  failed: a.failed + b.failed,
  lost: a.lost + b.lost,
  missing: a.missing + b.missing,
  crashes: a.crashes + b.crashes,
  oldest: Math.max(a.oldest, b.oldest),
  recovery: Math.max(a.recovery, b.recovery),
})
