/** Splits: what each backend is meant to get, and what it got. */
import { element, h, patch } from '../dom.js'
import { hasDroppedOut } from '../findings.js'
import { count, percent, plural } from '../format.js'
import { note, status } from '../parts.js'

/** @import { SplitState } from '../../../../console/state.ts' */
/** @import { View } from '../parts.js' */

/** Splits that are drawn at a time. */
const most = 200
/** A difference between configured and served share that is worth a word. */
const drift = 0.1

/** @returns {View} */
export function createSplits() {
  const root = element(h('div.view.splits'))
  return {
    id: 'splits',
    title: 'Splits',
    element: root,
    update: ({ splits }) =>
      patch(
        root,
        splits.length === 0 && note('No Service has a split. An annotation makes one: see docs/splits.md.'),
        splits.length > 0 && legend,
        h('div.cards', {}, splits.slice(0, most).map(card)),
        splits.length > most && note(`${plural(splits.length - most, 'more split')}.`),
      ),
    attention: ({ splits }) => splits.filter((split) => split.backends.some(hasDroppedOut)).length,
  }
}

const legend = h(
  'p.note.split-legend',
  {},
  h('svg.square', { width: 22, height: 10, 'aria-hidden': 'true' }, h('rect.served', { width: 22, height: 10 })),
  ' served in the last minute ',
  h(
    'svg.square',
    { width: 22, height: 10, 'aria-hidden': 'true' },
    h('rect.configured', { x: 0.75, y: 0.75, width: 20.5, height: 8.5 }),
  ),
  ' configured',
)

/** @param {SplitState} split */
function card({ namespace, name, backends }) {
  const isServed = backends.some(({ served }) => served > 0)
  return h(
    'section.panel.split',
    { key: `${namespace}/${name}`, tabindex: -1, 'data-row': true },
    h('h2', {}, h('span.muted', {}, `${namespace}/`), name),
    h(
      'ul.backends',
      {},
      backends.map((backend) => {
        const { name: to, weight, share, served, ready } = backend
        const isOff = isServed && Math.abs(served - share) > drift
        return h(
          'li',
          { key: to },
          h('span.name', {}, to),
          h('span.number', {}, `weight ${count(weight)}`),
          bar(share, served),
          h('span.shares', {}, h('b', {}, isServed ? percent(served) : '–'), ` of ${percent(share)}`),
          hasDroppedOut(backend)
            ? status('critical', 'dropped out: no ready endpoint')
            : isOff
              ? status('warning', `${count(ready)} ready, off its share`)
              : status(ready > 0 ? 'ok' : 'unknown', `${count(ready)} ready`),
        )
      }),
    ),
    !isServed && note('It was not asked for in the last minute.'),
  )
}

/** @param {number} share @param {number} served */
function bar(share, served) {
  return h(
    'svg.split-bar',
    { 'aria-hidden': 'true', height: 18, width: '100%' },
    h('rect.track', { width: '100%', height: 18 }),
    h('rect.served', { width: percentage(served), y: 4, height: 10 }),
    h('rect.configured', { width: percentage(share), y: 1, height: 16 }),
  )
}

/** @param {number} share */
const percentage = (share) => `${Math.min(100, Math.max(0, Number.isFinite(share) ? share * 100 : 0))}%`
