/** What search paths cost, in words. */
import { count, percent } from './format.js'

/** @import { TopState } from '../../../console/state.ts' */

/** Shares below it are no trouble. */
const worthIt = 0.02

/** @param {TopState['searchPath']} searchPath @returns {{ headline: string, advice: string }} */
export function ndotsCost({ queries, wasted, share, examples }) {
  if (!(queries > 0)) return { headline: 'There were no queries to judge.', advice: '' }
  if (share < worthIt) {
    return {
      headline: `${percent(share)} of queries are search-path misses: too few to matter.`,
      advice: '',
    }
  }
  const name = examples[0]?.key.replace(/\.$/, '') ?? 'example.org'
  return {
    headline: `${percent(share)} of queries are search-path misses.`,
    advice:
      `${count(wasted)} of ${count(queries)} queries a second ask for an outside name with a cluster zone behind it, and get NXDOMAIN. ` +
      `A trailing dot (“${name}.”) or ndots:2 in the pod’s dnsConfig would save them.`,
  }
}
