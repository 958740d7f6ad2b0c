/** What is asked, by whom, how fast it is answered, and what search paths cost. */
import { createChart } from '../chart.js'
import { element, h, patch } from '../dom.js'
import { count, latency, span } from '../format.js'
import { ndotsCost } from '../ndots.js'
import { explainAddress, meter, note, panel } from '../parts.js'

/** @import { TopEntry, TopState } from '../../../../console/state.ts' */
/** @import { View } from '../parts.js' */

/** @returns {View} */
export function createTraffic() {
  const rate = createChart({
    label: 'Queries/s',
    series: [
      { name: 'queries', mark: 'mark-main', valueAt: (point) => point.queries },
      { name: 'failures', mark: 'mark-bad', valueAt: (point) => point.failures },
    ],
    format: count,
    isFilled: true,
  })
  const time = createChart({
    label: 'Latency',
    series: [
      { name: 'p50', mark: 'mark-main', valueAt: (point) => point.p50 },
      { name: 'p99', mark: 'mark-second', valueAt: (point) => point.p99 },
    ],
    format: latency,
    isLogarithmic: true,
  })
  const below = element(h('div.below'))
  return {
    id: 'traffic',
    title: 'Traffic',
    element: element(h('div.view.traffic', {}, h('div.charts', {}, rate.element, time.element), below)),
    update(state) {
      rate.update(state.traffic.history)
      time.update(state.traffic.history)
      patch(below, ndots(state.top), tops(state.top))
    },
  }
}

/** @param {TopState} top */
function ndots({ searchPath }) {
  const { headline, advice } = ndotsCost(searchPath)
  return panel(
    'What ndots costs',
    { class: 'ndots' },
    h('p.headline', {}, headline),
    meter(searchPath.share, searchPath.share > 0.2 ? 'warn' : ''),
    advice !== '' && h('p', {}, advice),
    searchPath.examples.length > 0 &&
      h(
        'p.muted',
        {},
        'Most often: ',
        searchPath.examples
          .slice(0, 5)
          .flatMap(({ key, rate }, index) => [index > 0 ? ', ' : '', h('code', { key }, key), ` ${count(rate)}/s`]),
      ),
  )
}

/** @param {TopState} top */
function tops(top) {
  const sample = top.sampled > 1 ? `, from one query in ${count(top.sampled)}` : ''
  const words = `Estimates of the last ${span(top.window).replace('.0', '')}${sample}.`
  return [
    h(
      'div.tops',
      {},
      ranking('Top names', top.names, true),
      ranking('Top NXDOMAIN', top.nxdomain, true),
      ranking('Top SERVFAIL', top.servfail, true),
      ranking('Top clients', top.clients, false),
    ),
    note(words, ' ± is the most that an estimate may be too high.'),
  ]
}

/** @param {string} title @param {readonly TopEntry[]} entries @param {boolean} isNames */
function ranking(title, entries, isNames) {
  const most = Math.max(...entries.map(({ rate }) => rate), 0)
  return panel(
    title,
    {},
    entries.length === 0
      ? note('None.')
      : h(
          'ol.ranking',
          {},
          entries
            .slice(0, 20)
            .map(({ key, rate, error }) =>
              h(
                'li',
                { key },
                isNames
                  ? h('a', { href: explainAddress(key), title: key, 'data-row': true }, key)
                  : h('span.name', { tabindex: -1, 'data-row': true }, key),
                h('span.number', {}, `${count(rate)}/s`, error > rate * 0.01 && h('small', {}, ` ±${count(error)}`)),
                meter(rate / most),
              ),
            ),
        ),
  )
}
