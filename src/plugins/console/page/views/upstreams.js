/** Where other names are asked, and what is kept of the answers. */
import { element, h, patch } from '../dom.js'
import { count, latency, percent } from '../format.js'
import { meter, note, numeric, panel, status, table, tile } from '../parts.js'

/** @import { CacheState, UpstreamState } from '../../../../console/state.ts' */
/** @import { View } from '../parts.js' */

/** @returns {View} */
export function createUpstreams() {
  const root = element(h('div.view.upstreams'))
  return {
    id: 'upstreams',
    title: 'Upstreams',
    element: root,
    update: ({ upstreams, cache }) =>
      patch(
        root,
        panel('Upstreams', {}, upstreams.length === 0 ? note('No plugin asks upstreams.') : upstreamTable(upstreams)),
        panel('Cache', {}, cache.length === 0 ? note('No server block has a cache.') : cache.map(cacheFigures)),
      ),
    attention: ({ upstreams }) => upstreams.filter(({ healthy }) => !healthy).length,
  }
}

/** @param {readonly UpstreamState[]} upstreams */
function upstreamTable(upstreams) {
  const sorted = upstreams.toSorted((a, b) => Number(a.healthy) - Number(b.healthy))
  return table(
    'Upstreams',
    [
      'Upstream',
      'State',
      numeric('Latency'),
      numeric('Queries'),
      numeric('Under way'),
      { title: 'For', class: 'wide-only' },
    ],
    sorted.map(({ plugin, from, to, healthy, fails, latency: time, rate, underWay }, index) => ({
      key: `${plugin} ${from} ${to} ${index}`,
      cells: [
        h('code', {}, to),
        healthy ? status('ok', 'up') : status('critical', `down, ${count(fails)} failed`),
        time === undefined ? '–' : latency(time),
        `${count(rate)}/s`,
        count(underWay),
        h('span.muted', {}, `${plugin} ${from}`),
      ],
    })),
  )
}

/** @param {CacheState} cache */
function cacheFigures({ block, success, denial, capacity, hits, misses, evictions }) {
  const asked = hits + misses
  return h(
    'div.cache',
    { key: block },
    h('h3', {}, h('code', {}, block)),
    h(
      'dl.tiles',
      {},
      tile('Hits', asked > 0 ? percent(hits / asked) : '–', `${count(hits)}/s of ${count(asked)}/s`),
      tile('Entries', count(success + denial), [meter((success + denial) / capacity), ` of ${count(capacity)}`]),
      tile('Answers', count(success), 'entries'),
      tile('Denials', count(denial), 'entries'),
      tile('Evictions', `${count(evictions)}/s`, evictions > 0 ? 'the cache is full' : ''),
    ),
  )
}
