/** Where slicedns differs from CoreDNS on purpose (docs/differences.md, `cache`), by options and behaviours. */
import type { Scenario } from './scenarios.ts'
import type { Behaviour } from './script.ts'

interface Excuse {
  readonly reason: string
  holds(facts: Facts): boolean
}

interface Facts {
  readonly first: Behaviour
  readonly turned: Behaviour
  /** Whether one of the options begins so. */
  has(option: string): boolean
}

const failures: readonly Behaviour[] = ['servfail', 'notimp', 'silence']

const excuses: readonly Excuse[] = [
  {
    reason: 'a failure is not served stale',
    holds: ({ first, turned, has }) => has('serve_stale') && [first, turned].some((each) => failures.includes(each)),
  },
  {
    reason: 'a failure is kept for one second at first where `servfail` is not written',
    holds: ({ first, turned, has }) => !has('servfail') && [first, turned].some((each) => failures.includes(each)),
  },
  {
    reason: 'a TTL above 2^31 - 1 is 0 (RFC 2181 §8)',
    holds: ({ turned }) => turned === 'TTL 2^31',
  },
  {
    reason: '`disable` holds for renewals, too',
    holds: ({ has }) => has('disable') && (has('serve_stale') || has('prefetch')),
  },
  {
    reason: 'a denial is gone when an answer comes, and an answer when a denial comes',
    holds: ({ first, has }) => has('serve_stale 4s verify') && (first === 'nxdomain' || first === 'nodata'),
  },
  {
    reason: 'an answer with TTL 0 is not kept where MINTTL is not written (RFC 1035 §3.2.1)',
    holds: ({ turned, has }) => (turned === 'TTL 0' || turned === 'TTL 2^31') && !has('success'),
  },
  {
    reason: 'a stale answer is gone when a fresh one comes that must not be kept',
    holds: ({ turned, has }) => turned === 'TTL 0' && has('serve_stale'),
  },
]

export function excuse({ options, behaviours: [first, turned] }: Scenario): string | undefined {
  const has = (option: string): boolean => options.some((line) => line === option || line.startsWith(`${option} `))
  return excuses.find(({ holds }) => holds({ first, turned, has }))?.reason
}
