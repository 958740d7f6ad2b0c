/**
 * What a `cache` is asked while its upstream changes its mind: options in combination, what the upstream says first, what
 * it says when the entry expires, and when it is asked. The same list is run in real time (live.ts) and by a fake clock
 * (recorded.test.ts).
 */
import { createRandom } from '../random-source.ts'
import { type Behaviour, behaviours } from './script.ts'

export interface Scenario {
  /** What the recorded file has it by. */
  readonly title: string
  /** The lines in the body of `cache`. */
  readonly options: readonly string[]
  /** What the upstream does from the first moment, from `turnedAt` and from `recoveredAt` on. */
  readonly behaviours: readonly [Behaviour, Behaviour, Behaviour]
}

/**
 * Milliseconds at which the name is asked for. No two of them, of the questions that meet one entry, lie a whole number of
 * seconds apart: there a TTL and a bound change, and no machine is punctual.
 */
export const askedAt = [0, 600, 1500, 2400, 2900, 3800, 4700, 5300, 6100, 7200, 8000, 8650] as const
export const turnedAt = 2100
export const recoveredAt = 7000

/** Milliseconds; both servers get them. One attempt: how often a silent server is asked differs on purpose. */
export const forwardBody = ['max_fails 0', 'max_connect_attempts 1', 'read_timeout 250ms']
export const readTimeout = 250

/** Each row is one decision; the empty word leaves the option out. */
const decisions: readonly (readonly string[])[] = [
  ['success 9984 3600 0', 'success 9984 3600 0', '', 'success 9984 1 0', 'success 9984 3 2'],
  ['denial 9984 1800 0', 'denial 9984 1800 0', '', 'denial 9984 3 1'],
  [
    '',
    'serve_stale 4s',
    'serve_stale 4s immediate 3s',
    'serve_stale 4s immediate 0s 2s',
    'serve_stale 4s verify',
    'serve_stale 4s verify 150ms',
    'serve_stale 4s verify 0 3s 2s',
    'serve_stale 4s verify 150ms 0s 2s',
  ],
  ['', 'serve_stale_policy prefer_positive'],
  ['', '', 'prefetch 2 1m 50%'],
  ['', 'servfail 0', 'servfail 1s'],
  ['', '', '', 'disable success', 'disable denial'],
  ['', '', 'keepttl'],
]

const firstBehaviours: readonly Behaviour[] = ['answer', 'answer', 'answer', 'nxdomain', 'nodata', 'servfail', 'long']

/** The same scenarios at every call with the same number. */
export function scenarios(count: number): Scenario[] {
  const random = createRandom(20_261_130)
  const seen = new Set<string>()
  const found: Scenario[] = []
  for (let i = 0; found.length < count; i++) {
    const drawn = decisions.map(random.pick)
    const isStale = drawn.some((line) => /^serve_stale /.test(line))
    const options = drawn.filter((line) => line !== '' && (isStale || !line.startsWith('serve_stale_policy')))
    const said = [random.pick(firstBehaviours), behaviours[i % behaviours.length]!, 'answer'] as const
    const title = `${options.join('; ') || 'plain'}: ${said.slice(0, 2).join(', ')}`
    if (seen.has(title)) continue
    seen.add(title)
    found.push({ title, options, behaviours: said })
  }
  return found
}

/** What the upstream does so many milliseconds after the scenario began. */
export function behaviourAt({ behaviours: [first, turned, recovered] }: Scenario, elapsed: number): Behaviour {
  if (elapsed < turnedAt) return first
  return elapsed < recoveredAt ? turned : recovered
}

/** Every third question is asked with AD (RFC 6840 §5.7), and every one by a client that speaks EDNS. */
export const asksForAd = (step: number): boolean => step % 3 === 2
