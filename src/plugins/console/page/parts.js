/** What several views are made of. */
import { h } from './dom.js'
import { count, percent } from './format.js'

/** @import { Child } from './dom.js' */
/** @import { ConsoleState } from '../../../console/state.ts' */

/**
 * One view of the page.
 * @typedef {object} View
 * @property {string} id as in the address: `#/services`
 * @property {string} title
 * @property {HTMLElement} element
 * @property {(state: ConsoleState) => void} update
 * @property {(path: readonly string[]) => void} [open] what follows the view in the address
 * @property {() => boolean} [close] closes what is open inside of it; false: nothing was
 * @property {(state: ConsoleState) => number} [attention] how many things in it want to be looked at
 */

/** @typedef {'ok' | 'warning' | 'critical' | 'unknown'} Tone */

/** One shape for each tone: nobody needs the colour. */
const shapes = {
  ok: [h('circle', { cx: 8, cy: 8, r: 7 }), h('path', { class: 'ink', d: 'M4.5 8.3 7 10.8 11.6 5.8' })],
  warning: [h('path', { d: 'M8 1 15.5 14.5H.5Z' }), h('path', { class: 'ink', d: 'M8 6v4M8 11.8v.9' })],
  critical: [
    h('path', { d: 'M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5Z' }),
    h('path', { class: 'ink', d: 'm5.3 5.3 5.4 5.4m0-5.4-5.4 5.4' }),
  ],
  unknown: [h('circle', { class: 'hollow', cx: 8, cy: 8, r: 6.5 }), h('path', { class: 'line-ink', d: 'M4.8 8h6.4' })],
}

/** The shape stands beside a word that says the same. @param {Tone} tone */
export function mark(tone) {
  return h(
    'svg.mark',
    { class: `tone-${tone}`, viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
    shapes[tone],
  )
}

/** @param {Tone} tone @param {...Child} words */
export function status(tone, ...words) {
  return h('span.status', { class: `tone-${tone}` }, mark(tone), h('span', {}, words))
}

/** @param {string} title @param {Readonly<Record<string, string>>} attributes @param {...Child} content */
export function panel(title, attributes, ...content) {
  return h('section.panel', attributes, h('h2', {}, title), content)
}

/** @param {...Child} words */
export function note(...words) {
  return h('p.note', {}, words)
}

/** @param {string} label @param {Child} value @param {...Child} detail */
export function tile(label, value, ...detail) {
  return h('div.tile', {}, h('dt', {}, label), h('dd', {}, h('span.value', {}, value), h('span.detail', {}, detail)))
}

/** A share as a bar; the figure stands beside it. @param {number} share @param {string} [tone] */
export function meter(share, tone = '') {
  const width = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * 100
  return h(
    'svg.meter',
    { viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true', height: 6 },
    h('rect.track', { width: 100, height: 6 }),
    h('rect.fill', { class: tone, width, height: 6 }),
  )
}

/** The course of the last hour, without scale. @param {readonly number[]} values @param {string} [kind] */
export function sparkline(values, kind = 'mark-main') {
  const most = Math.max(...values.filter(Number.isFinite), 0)
  const points = values.map((value, index) => {
    const height = most > 0 && Number.isFinite(value) ? (value / most) * 26 : 0
    return `${((index / Math.max(1, values.length - 1)) * 100).toFixed(2)},${(28 - height).toFixed(2)}`
  })
  return h(
    'svg.sparkline',
    { viewBox: '0 0 100 30', preserveAspectRatio: 'none', 'aria-hidden': 'true', height: 30 },
    h('polyline.line', { class: kind, points: points.join(' '), 'vector-effect': 'non-scaling-stroke' }),
  )
}

/**
 * Shares of a whole, as one bar and a list.
 * @param {readonly { readonly name: string, readonly value: number, readonly mark: string }[]} parts
 */
export function breakdown(parts) {
  const total = parts.reduce((sum, { value }) => sum + value, 0)
  let before = 0
  const bars = parts.map(({ name, value, mark: colour }) => {
    const x = (before / (total || 1)) * 100
    before += value
    return h('rect', { key: name, class: colour, x, width: (value / (total || 1)) * 100, height: 12 })
  })
  return [
    h(
      'svg.stack',
      { viewBox: '0 0 100 12', preserveAspectRatio: 'none', 'aria-hidden': 'true', height: 12 },
      h('rect.track', { width: 100, height: 12 }),
      bars,
    ),
    h(
      'ul.breakdown',
      {},
      parts.map(({ name, value, mark: colour }) =>
        h(
          'li',
          { key: name },
          h(
            'svg.square',
            { width: 10, height: 10, 'aria-hidden': 'true' },
            h('rect', { class: colour, width: 10, height: 10, rx: 2 }),
          ),
          h('span.name', {}, name),
          h('span.number', {}, `${count(value)}/s`),
          h('span.number.share', {}, total > 0 ? percent(value / total) : '–'),
        ),
      ),
    ),
  ]
}

/**
 * A table of some rows. On a narrow screen each row is a list of its cells, which is why roles and titles are spelt out.
 * @param {string} caption
 * @param {readonly (string | { title: string, class: string })[]} heads
 * @param {readonly { key: string, cells: readonly Child[] }[]} rows
 */
export function table(caption, heads, rows) {
  const columns = heads.map((head) => (typeof head === 'string' ? { title: head, class: '' } : head))
  /** @param {number} index */
  const kind = (index) => columns[index].class || undefined
  return h(
    'table',
    { role: 'table' },
    h('caption.visually-hidden', {}, caption),
    h(
      'thead',
      { role: 'rowgroup' },
      h(
        'tr',
        { role: 'row' },
        columns.map(({ title }, index) => h('th', { role: 'columnheader', scope: 'col', class: kind(index) }, title)),
      ),
    ),
    h(
      'tbody',
      { role: 'rowgroup' },
      rows.map(({ key, cells }) =>
        h(
          'tr',
          { key, role: 'row', tabindex: -1, 'data-row': true },
          cells.map((cell, index) =>
            h('td', { role: 'cell', class: kind(index), 'data-title': columns[index].title }, h('div', {}, cell)),
          ),
        ),
      ),
    ),
  )
}

/** @param {string} title */
export const numeric = (title) => ({ title, class: 'number' })

/** A name, as it stands: it may break anywhere. @param {string} text */
export const code = (text) => h('code', {}, text)

/** The address of an explanation. @param {string} name @param {string} [type] */
export function explainAddress(name, type) {
  return `#/explain/${[name, type ?? ''].filter(Boolean).map(part).join('/')}`
}

/** A part of the address of a view. @param {string} text */
export function part(text) {
  // What is no well-formed string cannot be written in an address.
  return encodeURIComponent(text.toWellFormed())
}
