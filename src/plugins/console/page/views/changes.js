/** The last answers that changed: records that went and came, and the object that caused it. */
import { element, h, patch } from '../dom.js'
import { dateAndTime, plural, span, timeOfDay } from '../format.js'
import { explainAddress, note } from '../parts.js'

/** @import { AnswerChange } from '../../../../console/state.ts' */
/** @import { View } from '../parts.js' */

/** Records of one change that are shown. */
const most = 12

/** @returns {View} */
export function createChanges() {
  const root = element(h('div.view.changes'))
  return {
    id: 'changes',
    title: 'Changes',
    element: root,
    update: ({ changes, time }) =>
      patch(
        root,
        changes.length === 0 && note('No answer has changed since this page began to look.'),
        h(
          'ol.changes',
          { 'aria-label': 'Answers that changed, the newest first' },
          keyed(changes).map(([key, change]) => entry(key, change, time)),
        ),
      ),
  }
}

/** Several changes may have one time and name. @param {readonly AnswerChange[]} changes @returns {[string, AnswerChange][]} */
function keyed(changes) {
  /** @type {Map<string, number>} */
  const seen = new Map()
  // Counted from the oldest: newer ones do not rename those that are there.
  return changes
    .toReversed()
    .map((change) => {
      const plain = `${change.time} ${change.name} ${change.type}`
      const number = seen.get(plain) ?? 0
      seen.set(plain, number + 1)
      return /** @type {[string, AnswerChange]} */ ([`${plain} ${number}`, change])
    })
    .toReversed()
}

/** @param {string} key @param {AnswerChange} change @param {number} now */
function entry(key, { time, name, type, before, after, object }, now) {
  const [had, has] = [new Set(before), new Set(after)]
  const gone = before.filter((record) => !has.has(record))
  const come = after.filter((record) => !had.has(record))
  const kept = after.length - come.length
  const words = after.length === 0 ? 'No record is left.' : kept > 0 ? `${plural(kept, 'record')} as before.` : ''
  return h(
    'li',
    { key },
    h(
      'div.change-head',
      {},
      h(
        'time',
        { title: dateAndTime(time), datetime: new Date(time).toISOString() },
        timeOfDay(time),
        h('span.muted', {}, ` ${span((now - time) / 1000)} ago`),
      ),
      h('a', { href: explainAddress(name, type), 'data-row': true }, name),
      h('span.type', {}, type),
      h('span.muted', {}, object),
    ),
    h('ul.records', {}, records('gone', '−', gone), records('come', '+', come)),
    words !== '' && h('p.muted', {}, words),
  )
}

/** @param {string} kind @param {string} sign @param {readonly string[]} list */
function records(kind, sign, list) {
  const what = kind === 'gone' ? 'removed' : 'added'
  return [
    ...list
      .slice(0, most)
      .map((record) =>
        h(
          'li',
          { class: kind },
          h('span', { 'aria-hidden': 'true' }, sign),
          h('span.visually-hidden', {}, what),
          h('code', {}, record),
        ),
      ),
    list.length > most && h('li', { class: kind }, `${plural(list.length - most, 'more')} ${what}`),
  ]
}
