/**
 * The way of a query, drawn as a line plan: it enters at the listener, and its answer comes from the table, from a UDP
 * thread's relay, or out of the chain of plugins. Ways that it does not take are thin.
 */
import { h } from './dom.js'
import { plural } from './format.js'
import { code, mark } from './parts.js'

/** @import { Child } from './dom.js' */
/** @import { Tone } from './parts.js' */

/**
 * What `/explain` answers with, for one listener (src/server/explain.ts).
 * @typedef {object} Explanation
 * @property {string} name
 * @property {string} type
 * @property {string} listener
 * @property {string} zone '' when no server block takes the query
 * @property {'table' | 'relay' | 'chain'} path
 * @property {string} reason
 * @property {string} notRelayed
 * @property {readonly { readonly plugin: string, readonly lines: readonly string[] }[]} steps
 * @property {string} rcode
 * @property {readonly string[]} answer
 * @property {readonly string[]} authority
 * @property {readonly string[]} additional
 */

/** Where the three ways run, in pixels: the table's straight down, then the relay's, then the chain's. */
const lanes = { table: 14, relay: 38, chain: 62 }
const planWidth = 76

/** @typedef {keyof typeof lanes} Lane */

/** @param {Explanation & { readonly listeners: readonly string[] }} explanation */
export function drawPath(explanation) {
  const { name, type, listeners, zone, path, reason, notRelayed, steps, rcode } = explanation
  const speaking = steps.filter(({ lines }) => lines.length > 0).length
  const quiet = steps.length - speaking
  return h(
    'section.panel.path',
    { 'aria-label': `${name} ${type} at ${listeners.join(' and ')}` },
    h('h2', {}, code(name), h('span.type', {}, type), h('span.outcome', {}, mark(toneOf(rcode)), rcode)),
    h(
      'ol.plan',
      {},
      stop(
        'Listener',
        listeners.flatMap((each, index) => [index > 0 && ' and ', code(each)]),
        { from: 'table', isTaken: true, isFirst: true },
      ),
      zone === ''
        ? stop('Server block', 'No server block matches: the query is refused.', { from: 'table', isTaken: true })
        : stop('Server block', ['of zone ', code(zone)], { from: 'table', isTaken: true }),
      stop('Answer table', tableWords(path, reason), {
        from: 'table',
        isTaken: path === 'table',
        branch: path === 'table' ? undefined : path,
        isFork: true,
      }),
      stop('Relay', relayWords(path, notRelayed), {
        from: 'relay',
        isTaken: path === 'relay',
        behind: path,
        isBranch: true,
      }),
      ...steps.map(({ plugin, lines }) => pluginStop(plugin, lines, path)),
      stop(
        'Answer',
        [
          h('strong.rcode', {}, mark(toneOf(rcode)), rcode),
          ...records('answer', explanation.answer),
          ...records('authority', explanation.authority),
          ...records('additional', explanation.additional),
        ],
        { from: 'table', isTaken: true, isLast: true, behind: path },
      ),
    ),
    path !== 'chain' &&
      h(
        'p.note',
        {},
        path === 'table'
          ? `The chain of ${plural(steps.length, 'plugin')} does not run for this question; it shows where the answer comes from.`
          : 'The chain runs over TCP, and where the upstream’s answer is unusual.',
      ),
    quiet > 0 &&
      path === 'chain' &&
      h('p.note', {}, `${plural(quiet, 'plugin')} of ${steps.length} pass the question on without a word.`),
  )
}

/** @param {Explanation['path']} path @param {string} reason */
function tableWords(path, reason) {
  if (path === 'table') return 'has the answer ready'
  return reason === '' ? 'has no answer' : `has no answer: ${reason}`
}

/** @param {Explanation['path']} path @param {string} notRelayed */
function relayWords(path, notRelayed) {
  if (path === 'relay') return 'A UDP thread passes the question to the upstream, and its answer to the client.'
  if (path === 'table') return 'not needed'
  return notRelayed === '' ? 'not for this question' : `not possible: ${notRelayed}`
}

/** @param {string} plugin @param {readonly string[]} lines @param {Explanation['path']} path */
function pluginStop(plugin, lines, path) {
  const words =
    lines.length > 1
      ? [
          h(
            'ul.plain',
            {},
            lines.map((line) => h('li', {}, line)),
          ),
        ]
      : lines
  return stop(plugin, words, {
    from: 'chain',
    isTaken: path === 'chain',
    behind: path,
    isPlugin: true,
    isQuiet: lines.length === 0,
  })
}

/**
 * @typedef {object} StopOptions
 * @property {Lane} from the lane that it stands on
 * @property {boolean} isTaken
 * @property {Lane | undefined} [branch] the way that the query takes from here, if not straight on
 * @property {Lane} [behind] the way that is taken beside or through this stop
 * @property {boolean} [isFirst]
 * @property {boolean} [isLast]
 * @property {boolean} [isFork] the table: the relay's way begins here
 * @property {boolean} [isBranch] the relay: the chain's way begins here
 * @property {boolean} [isPlugin]
 * @property {boolean} [isQuiet]
 */

/** One station, with its piece of the plan beside it. @param {string} title @param {Child} words @param {StopOptions} options */
function stop(title, words, options) {
  const classes = [
    'stop',
    options.isTaken ? 'is-taken' : 'is-passed',
    options.isPlugin && 'is-plugin',
    options.isQuiet && 'is-quiet',
  ]
  return h(
    'li',
    { class: classes.filter(Boolean).join(' ') },
    h('svg.rails', { width: planWidth, 'aria-hidden': 'true' }, rails(options)),
    h('div.stop-text', {}, h('span.stop-title', {}, title), ' ', h('span.stop-words', {}, words)),
  )
}

/** Where a station's dot is, in pixels from the top of its row: beside the first line of its text. */
const dotHeight = 16
const quietDotHeight = 13

/** @param {StopOptions} options @returns {Child[]} */
function rails({ from, isTaken, branch, behind, isFirst, isLast, isBranch, isPlugin, isQuiet, isFork }) {
  const dotAt = isQuiet ? quietDotHeight : dotHeight
  /** @type {Child[]} */
  const drawn = []
  /** @param {Lane} lane @param {string | number} y1 @param {string | number} y2 @param {boolean} taken */
  const rail = (lane, y1, y2, taken) =>
    drawn.push(h('line', { class: taken ? 'rail taken' : 'rail', x1: lanes[lane], x2: lanes[lane], y1, y2 }))
  /** From one lane to another at the height of the dot. @param {Lane} start @param {Lane} end @param {boolean} taken */
  const crossing = (start, end, taken) =>
    drawn.push(
      h('line', { class: taken ? 'rail taken' : 'rail', x1: lanes[start], x2: lanes[end], y1: dotAt, y2: dotAt }),
    )

  if (isLast) {
    const way = behind ?? 'table'
    for (const lane of /** @type {const} */ (['table', 'relay', 'chain'])) {
      rail(lane, 0, dotAt, lane === way)
      if (lane !== 'table') crossing(lane, 'table', lane === way)
    }
    if (way !== 'table') crossing(way, 'table', true)
  } else if (isPlugin) {
    for (const lane of /** @type {const} */ (['table', 'relay', 'chain'])) rail(lane, 0, '100%', lane === behind)
  } else if (isBranch) {
    // The relay: the query came over from the table's lane, and goes on to the chain where it is not relayed.
    rail('table', 0, '100%', behind === 'table')
    rail('relay', 0, dotAt, behind !== 'table')
    rail('relay', dotAt, '100%', behind === 'relay')
    crossing('relay', 'chain', behind === 'chain')
    rail('chain', dotAt, '100%', behind === 'chain')
  } else {
    if (!isFirst) rail('table', 0, dotAt, true)
    rail('table', dotAt, '100%', branch === undefined)
    if (isFork) {
      crossing('table', 'relay', branch !== undefined)
      rail('relay', dotAt, '100%', branch !== undefined)
    }
  }
  drawn.push(
    h('circle', { class: isTaken ? 'stop-dot taken' : 'stop-dot', cx: lanes[from], cy: dotAt, r: isPlugin ? 4 : 6 }),
  )
  return drawn
}

/** @param {string} section @param {readonly string[]} list */
function records(section, list) {
  if (list.length === 0) return []
  return [
    h('h3', {}, section),
    h(
      'ul.records',
      {},
      list.map((record) => h('li', {}, code(record))),
    ),
  ]
}

/** @param {string} rcode @returns {Tone} */
function toneOf(rcode) {
  if (rcode === 'NOERROR') return 'ok'
  return rcode === 'NXDOMAIN' ? 'warning' : 'critical'
}
