/** What stands around the views: the verdict in the bar, the links to the views, the banner of a connection that is not well. */
import { h } from './dom.js'
import { verdictOn } from './findings.js'
import { count, latency, span, timeOfDay } from './format.js'
import { mark } from './parts.js'

/** @import { ConsoleState } from '../../../console/state.ts' */
/** @import { Child } from './dom.js' */
/** @import { Tone, View } from './parts.js' */
/** @import { Connection } from './stream.js' */

/** @type {Readonly<Record<'healthy' | 'degraded' | 'failing', Tone>>} */
const tones = { healthy: 'ok', degraded: 'warning', failing: 'critical' }

/** @param {ConsoleState} state @param {boolean} isLive @returns {Child[]} */
export function verdictOf(state, isLive) {
  const { server, traffic } = state
  const { state: verdict, word } = verdictOn(state)
  const figures = ` · up ${span(server.uptime)} · ${count(traffic.queries)}/s · p99 ${latency(traffic.latency.p99)}`
  return [
    isLive
      ? h('a.verdict-word', { href: '#/overview', class: `tone-${tones[verdict]}` }, mark(tones[verdict]), word)
      : unknown('Unknown'),
    h('span.verdict-facts', {}, server.host, h('span.wide-only', {}, figures)),
  ]
}

/** Before the first state. @param {Connection} connection @returns {Child[]} */
export const verdictBefore = ({ phase }) => [unknown(phase === 'connecting' ? 'Connecting' : 'Unknown')]

/** @param {string} word */
const unknown = (word) => h('span.verdict-word.tone-unknown', {}, mark('unknown'), word)

/** @param {readonly View[]} views @param {View | undefined} shown @param {ConsoleState | undefined} state */
export function viewLinks(views, shown, state) {
  const links = views.map((view, index) => {
    const number = (state && view.attention?.(state)) ?? 0
    return h(
      'li',
      { key: view.id },
      h(
        'a',
        { href: `#/${view.id}`, 'aria-current': view === shown ? 'page' : undefined },
        h('kbd', { 'aria-hidden': 'true' }, index + 1),
        h('span', {}, view.title),
        number > 0 && h('span.badge.warn', {}, count(number), h('span.visually-hidden', {}, ' to look at')),
      ),
    )
  })
  return h('ul', {}, links)
}

/**
 * @typedef {object} BannerOptions
 * @property {Connection} connection
 * @property {ConsoleState | undefined} state
 * @property {boolean} isPaused
 * @property {() => void} onGoOn
 * @property {() => void} onRetry
 */

/** Nothing while all is well. @param {BannerOptions} options @returns {Child[]} */
export function bannerOf({ connection, state, isPaused, onGoOn, onRetry }) {
  const { phase, since, reason, retryAt, isTrying } = connection
  if (phase === 'connecting' || (phase === 'live' && !(isPaused && state))) return []
  if (phase === 'live') {
    const words = `Paused: the figures are those of ${timeOfDay(state?.time ?? since)}.`
    return [mark('unknown'), h('p', {}, words), button(onGoOn, 'Go on', h('kbd', { 'aria-hidden': 'true' }, 'p'))]
  }
  const wait = retryAt === undefined ? 0 : Math.ceil((retryAt - Date.now()) / 1000)
  const old = state ? ` The figures below are those of ${timeOfDay(state.time)}: do not trust them.` : ''
  const lasts = span(Math.floor((Date.now() - since) / 1000)).replace('.0', '')
  return [
    mark('critical'),
    h(
      'p',
      {},
      h('strong', {}, phase === 'refused' ? 'Not permitted' : 'Disconnected'),
      ` since ${timeOfDay(since)} (${lasts}): ${reason}.${old}`,
    ),
    h('span.retry', {}, isTrying || wait <= 0 ? 'Trying again…' : `Trying again in ${wait} s.`),
    button(onRetry, 'Try now'),
  ]
}

/** @param {() => void} onclick @param {...Child} words */
const button = (onclick, ...words) => h('button.plain-button', { type: 'button', onclick }, words)

/** In place of a view, before the first state. @param {Connection} connection */
export function waitingPage({ phase }) {
  if (phase === 'refused') {
    const words =
      'The server does not show its state to this address. Reach it by localhost or an IP address, as kubectl port-forward does.'
    return emptyPage('Not permitted', words)
  }
  if (phase === 'lost')
    return emptyPage('No connection', 'The server does not send its state. The page goes on trying.')
  return emptyPage('Connecting', 'The first figures come within two seconds.')
}

/** @param {string} title @param {string} words */
const emptyPage = (title, words) => h('div.empty-page', {}, h('h2', {}, title), h('p', {}, words))
