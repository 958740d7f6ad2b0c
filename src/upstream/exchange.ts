/**
 * One question to several upstreams, in the order given: the next one is asked when one fails, or when one is silent for
 * longer than its hedge delay (hedge-delay.ts). The first answer wins. A lost upstream therefore costs a query some
 * 100 ms instead of its timeout of two seconds.
 */
import type { ExchangePolicy, ExchangeResult, UpstreamQuestion } from './question.ts'
import { race } from './race.ts'
import { shuffled } from './random.ts'
import type { Upstream } from './upstream.ts'

/** Milliseconds for a question in total: resolvers give up after five seconds, and SERVFAIL should arrive before that. */
export const questionTimeout = 4500
/** Used when every upstream is known to be down: long enough for one that has just come back. */
const allDownTimeout = 500

/** Never rejects. Resolves within `questionTimeout`. */
export function exchange(
  question: UpstreamQuestion,
  upstreams: readonly Upstream[],
  policy: ExchangePolicy,
): Promise<ExchangeResult> {
  const { begun } = question
  if (begun) {
    const others = upstreams.filter((upstream) => upstream !== begun.upstream && !upstream.health.down)
    return race(question, [begun.upstream, ...suspectsLast(others)], questionTimeout, policy)
  }
  const healthy = upstreams.filter(({ health }) => !health.down)
  if (healthy.length > 0) return race(question, suspectsLast(healthy), questionTimeout, policy)
  policy.onAllDown()
  if (policy.failfast || upstreams.length === 0) {
    return Promise.resolve({ kind: 'failed', error: new Error('no healthy proxies') })
  }
  return race(question, shuffled(upstreams), allDownTimeout, policy)
}

/** Moves upstreams that are being checked, because they have just failed a query, to the end. */
function suspectsLast(healthy: readonly Upstream[]): readonly Upstream[] {
  const trusted = healthy.filter(({ health }) => !health.checking)
  if (trusted.length === healthy.length) return healthy
  return [...trusted, ...healthy.filter(({ health }) => health.checking)]
}
