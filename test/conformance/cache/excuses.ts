/** Where slicedns differs from CoreDNS on purpose (docs/differences.md, `cache`), by options and behaviours. */
import type { Scenario } from './scenarios.ts'
import type { Behaviour } from './script.ts'

interface Excuse {
  readonly reason: string
  /** The question (scenarios.ts: `askedAt`) from which on answers may differ. */
  readonly since: number
  holds(facts: Facts): boolean
}

interface Facts {
  readonly first: Behaviour
  readonly turned: Behaviour
  /** Whether one of the options begins so. */
  has(option: string): boolean
}

const failures: readonly Behaviour[] = ['servfail', 'notimp', 'silence']

/** The upstream has turned (`turnedAt`). */
const hasTurned = 3
/** Whatever was kept before that is not even stale any more. */
const windowIsOver = 8

const excuses: readonly Excuse[] = [
  {
    reason: 'a failure is not served stale: one that was there first',
    since: 1,
    holds: ({ first, has }) => has('serve_stale') && failures.includes(first),
  },
  {
    reason: 'a failure is not served stale: one that is kept when the window of a stale answer is over',
    since: windowIsOver,
    holds: ({ turned, has }) => has('serve_stale') && failures.includes(turned),
  },
  {
    reason: 'a failed renewal hides nothing under `prefer_positive` either',
    since: hasTurned,
    holds: ({ turned, has }) => has('serve_stale_policy') && failures.includes(turned),
  },
  {
    reason: 'a failure is kept for one second at first where `servfail` is not written',
    since: 1,
    holds: ({ first, turned, has }) => !has('servfail') && [first, turned].some((each) => failures.includes(each)),
  },
  {
    reason: 'a TTL above 2^31 - 1 is 0 (RFC 2181 §8)',
    since: hasTurned,
    holds: ({ turned }) => turned === 'TTL 2^31',
  },
  {
    reason: '`disable` holds for renewals, too',
    since: hasTurned,
    holds: ({ has }) => has('disable') && (has('serve_stale') || has('prefetch')),
  },
  {
    reason: 'a denial is gone when an answer comes, and an answer when a denial comes',
    since: hasTurned,
    holds: ({ first, has }) => has('serve_stale 4s verify') && (first === 'nxdomain' || first === 'nodata'),
  },
  {
    reason: 'an answer with TTL 0 is not kept where MINTTL is not written (RFC 1035 §3.2.1)',
    since: hasTurned,
    holds: ({ turned, has }) => (turned === 'TTL 0' || turned === 'TTL 2^31') && !has('success'),
  },
  {
    reason: 'a stale answer is gone when a fresh one comes that must not be kept',
    since: hasTurned,
    holds: ({ turned, has }) => turned === 'TTL 0' && has('serve_stale'),
  },
]

/** Why slicedns's answers (`ours`) may differ as they do from CoreDNS's; undefined: there is no reason. */
export function excuse(scenario: Scenario, theirs: readonly string[], ours: readonly string[]): string | undefined {
  const { options, behaviours } = scenario
  const [first, turned] = behaviours
  const has = (option: string): boolean => options.some((line) => line === option || line.startsWith(`${option} `))
  const differsFrom = theirs.findIndex((verdict, step) => verdict !== ours[step])
  return excuses.find(({ since, holds }) => differsFrom >= since && holds({ first, turned, has }))?.reason
}
