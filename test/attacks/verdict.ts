/** What a report must say for the attack to have been withstood. */
import { availableParallelism, loadavg } from 'node:os'
import type { Attack, Report } from './arena.ts'
import { type Kind, kinds } from './look.ts'

/**
 * The bounds are those of a server that has its cores to itself. Here the attacker, the API server and the judge share
 * them with it: three times as long is allowed, or as often as there are processes for each core when the machine has
 * more to do than that.
 */
const slack = (): number =>
  Number(process.env.SLICEDNS_ATTACK_SLACK ?? Math.max(3, loadavg()[0] / availableParallelism()))

/** Milliseconds that an answer may take while the attack lasts. `forwarded` and `tcp` need only come. */
const duringBounds: Readonly<Partial<Record<Kind, number>>> = { table: 100, chain: 1_000, health: 1_000 }
/** Milliseconds once all is normal again, two seconds after the attack at the latest. */
const afterBounds: Readonly<Record<Kind, number>> = { table: 100, chain: 100, health: 250, tcp: 250, forwarded: 250 }

/** The same on this machine as it is now. */
export const normalTimes = (factor = slack()): Readonly<Record<Kind, number>> =>
  Object.fromEntries(kinds.map((kind) => [kind, afterBounds[kind] * factor])) as Record<Kind, number>

/** Seconds from SIGTERM to the end. */
const longestShutdown = 25

/** What is wrong, in words; [] when the attack was withstood. */
export function faults(report: Report, attack: Attack, factor = slack()): string[] {
  const { died, during, after, shutdown, failure } = report
  if (died !== undefined) return [`the server was ${died}, with ${report.residentPeak.toFixed(0)} MiB resident`]
  const wrong: string[] = []
  if (failure !== undefined) wrong.push(failure)
  for (const kind of kinds) {
    const bound = duringBounds[kind]
    const { lost, looks, worst } = during[kind]
    if (bound !== undefined && !attack.spares?.includes(kind)) {
      if (lost > 0) wrong.push(`during the attack ${lost} of ${looks} looks at ${kind} were lost`)
      else if (worst > bound * factor) wrong.push(`during the attack ${kind} took up to ${worst.toFixed(0)} ms`)
    }
    const later = after[kind]
    if (later.looks === 0) wrong.push(`after the attack nothing was seen of ${kind}`)
    if (later.lost > 0) wrong.push(`after the attack ${later.lost} of ${later.looks} looks at ${kind} were lost`)
    else if (later.worst > afterBounds[kind] * factor)
      wrong.push(`after the attack ${kind} took up to ${later.worst.toFixed(0)} ms`)
  }
  if (shutdown === undefined || shutdown > longestShutdown)
    wrong.push(`SIGTERM did not end it within ${longestShutdown} s`)
  return wrong
}

/** One line of figures. */
export function summary({ died, residentPeak, cgroupPeak, during, after, shutdown }: Report): string {
  const worst = (kind: Kind) => `${kind} ${milliseconds(during[kind])}`
  const later = kinds.filter((kind) => after[kind].lost > 0).map((kind) => `${kind} lost`)
  return [
    died ?? `${residentPeak.toFixed(0)} MiB resident, ${cgroupPeak.toFixed(0)} in the cgroup`,
    ...kinds.map(worst),
    ...later.map((text) => `after: ${text}`),
    shutdown === undefined ? 'not ended by SIGTERM' : `SIGTERM ${shutdown.toFixed(1)} s`,
  ].join(', ')
}

export function milliseconds({ lost, looks, worst }: Report['during'][Kind]): string {
  return lost > 0 ? `${lost}/${looks} lost` : `${worst.toFixed(0)} ms`
}
