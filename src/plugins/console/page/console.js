/** The page of the console: one view at a time of the state that the server sends. README.md beside it says how it is made. */
import { h, patch } from './dom.js'
import { verdictOn } from './findings.js'
import { count, latency, span, timeOfDay } from './format.js'
import { createKeys } from './keys.js'
import { suggestNames } from './names.js'
import { mark, part } from './parts.js'
import { questionIn } from './question.js'
import { openStream } from './stream.js'
import { applyTheme, currentTheme, nextTheme } from './theme.js'
import { createChanges } from './views/changes.js'
import { createExplain } from './views/explain.js'
import { createHolds } from './views/holds.js'
import { createOverview } from './views/overview.js'
import { createProblems } from './views/problems.js'
import { createServices } from './views/services.js'
import { createSplits } from './views/splits.js'
import { createTraffic } from './views/traffic.js'
import { createUpstreams } from './views/upstreams.js'

/** @import { ConsoleState } from '../../../console/state.ts' */
/** @import { View } from './parts.js' */
/** @import { Connection } from './stream.js' */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
/** @param {string} id */
const navigateIn = (id) => /** @param {readonly string[]} path */ (path) => {
  location.hash = `#/${[id, ...path.map(part)].join('/')}`
}

/** @type {readonly View[]} In the order of their number keys. */
const views = [
  createOverview(),
  createTraffic(),
  createServices(navigateIn('services')),
  createSplits(),
  createHolds(),
  createProblems(),
  createUpstreams(),
  createChanges(),
  createExplain(navigateIn('explain')),
]

const main = byId('main')
const search = /** @type {HTMLInputElement} */ (byId('search-text'))
/** @type {ConsoleState | undefined} The newest. */
let state
/** @type {Connection | undefined} */
let connection
/** @type {View | undefined} */
let view
let isPaused = false
let announced = ''

applyTheme(currentTheme())
const keys = createKeys({
  dialog: /** @type {HTMLDialogElement} */ (byId('help')),
  main,
  views,
  focusSearch: () => search.select(),
  close: () => view?.close?.() ?? false,
  togglePause,
})

/** What is shown changes with the state, unless the reader stopped it. */
function showState() {
  if (!state) return
  showVerdict(state)
  showViews()
  view?.update(state)
}

/** @param {ConsoleState} shown */
function showVerdict({ server, traffic, ...rest }) {
  const { state: verdict, word, findings } = verdictOn({ server, traffic, ...rest })
  const tone = { healthy: 'ok', degraded: 'warning', failing: 'critical' }[verdict]
  const isLive = connection?.phase === 'live'
  patch(
    byId('verdict'),
    isLive
      ? h(
          'a.verdict-word',
          { href: '#/overview', class: `tone-${tone}` },
          mark(/** @type {import('./parts.js').Tone} */ (tone)),
          word,
        )
      : h('span.verdict-word.tone-unknown', {}, mark('unknown'), 'Unknown'),
    h(
      'span.verdict-facts',
      {},
      server.host,
      h(
        'span.wide-only',
        {},
        ` · up ${span(server.uptime)} · ${count(traffic.queries)}/s · p99 ${latency(traffic.latency.p99)}`,
      ),
    ),
  )
  document.title = `${isLive ? word : 'Disconnected'} – ${server.host} – slicedns`
  const first = findings[0]
  announce(isLive ? `${word}${first ? `: ${first.title}` : ''}` : '')
}

/** Says what changed of the whole, not each figure. @param {string} words */
function announce(words) {
  if (words === '' || words === announced) return
  announced = words
  byId('announcement').textContent = words
}

function showViews() {
  patch(
    byId('views'),
    h(
      'ul',
      {},
      views.map(({ id, title, attention }, index) => {
        const number = (state && attention?.(state)) ?? 0
        return h(
          'li',
          { key: id },
          h(
            'a',
            { href: `#/${id}`, 'aria-current': view?.id === id ? 'page' : undefined },
            h('kbd', { 'aria-hidden': 'true' }, index + 1),
            h('span', {}, title),
            number > 0 && h('span.badge.warn', {}, count(number), h('span.visually-hidden', {}, ' to look at')),
          ),
        )
      }),
    ),
  )
}

function showConnection() {
  if (!connection) return
  const { phase, since, reason, retryAt, isTrying } = connection
  document.body.dataset.connection = phase
  document.body.dataset.paused = String(isPaused)
  const banner = byId('banner')
  const isQuiet = phase === 'live' || phase === 'connecting'
  banner.hidden = isQuiet && !(isPaused && phase === 'live')
  banner.className = isQuiet ? 'banner' : 'banner is-lost'
  if (phase === 'live' && isPaused && state) {
    patch(
      banner,
      mark('unknown'),
      h('p', {}, `Paused: the figures are those of ${timeOfDay(state.time)}.`),
      button('Go on', togglePause, 'p'),
    )
  } else if (!isQuiet) {
    const wait = retryAt === undefined ? 0 : Math.ceil((retryAt - Date.now()) / 1000)
    const next = isTrying || wait <= 0 ? 'Trying again…' : `Trying again in ${wait} s.`
    const title = phase === 'refused' ? 'Not permitted' : 'Disconnected'
    const old = state ? ` The figures below are those of ${timeOfDay(state.time)}: do not trust them.` : ''
    patch(
      banner,
      mark('critical'),
      h(
        'p',
        {},
        h('strong', {}, title),
        ` since ${timeOfDay(since)} (${span(Math.floor((Date.now() - since) / 1000)).replace('.0', '')}): ${reason}.${old}`,
      ),
      h('span.retry', {}, next),
      button('Try now', () => stream.retry()),
    )
  }
  if (state) showVerdict(state)
  else
    patch(
      byId('verdict'),
      h('span.verdict-word.tone-unknown', {}, mark('unknown'), phase === 'connecting' ? 'Connecting' : 'Unknown'),
    )
  if (!state) patch(main, waiting())
}

/** Before the first state. */
function waiting() {
  if (connection?.phase === 'refused') {
    return emptyPage(
      'Not permitted',
      'The server does not show its state to this address. Reach it by localhost or an IP address, as kubectl port-forward does.',
    )
  }
  if (connection?.phase === 'lost')
    return emptyPage('No connection', 'The server does not send its state. The page goes on trying.')
  return emptyPage('Connecting', 'The first figures come within two seconds.')
}

/** @param {string} title @param {string} words */
const emptyPage = (title, words) => h('div.empty-page', {}, h('h2', {}, title), h('p', {}, words))

/** @param {string} words @param {() => void} onclick @param {string} [key] */
const button = (words, onclick, key) =>
  h('button.plain-button', { type: 'button', onclick }, words, key && h('kbd', { 'aria-hidden': 'true' }, key))

function showTools() {
  patch(
    byId('tools'),
    h(
      'button',
      { type: 'button', 'aria-pressed': String(isPaused), onclick: togglePause },
      isPaused ? 'Paused' : 'Pause',
      h('kbd', { 'aria-hidden': 'true' }, 'p'),
    ),
    h(
      'button',
      { type: 'button', 'aria-label': `Theme: ${currentTheme()}`, onclick: changeTheme },
      h('span.wide-only', {}, 'Theme:'),
      h('span.theme-name', {}, currentTheme()),
    ),
    h(
      'button',
      { type: 'button', 'aria-label': 'Keys', 'aria-haspopup': 'dialog', onclick: keys.showHelp },
      h('kbd', { 'aria-hidden': 'true' }, '?'),
    ),
  )
}

function changeTheme() {
  nextTheme()
  showTools()
}

function togglePause() {
  isPaused = !isPaused
  state = latest ?? state
  showTools()
  showConnection()
  if (!isPaused) showState()
}

/** Shows the view that the address names. */
function route() {
  const [id, ...path] = location.hash.replace(/^#\//, '').split('/').map(decode)
  const next = views.find((each) => each.id === id) ?? views[0]
  const isOther = next !== view
  view = next
  showViews()
  if (!state) return
  if (isOther) {
    patch(main, h('h2.visually-hidden', {}, next.title), next.element)
    main.scrollTop = 0
    main.dataset.view = next.id
  }
  next.update(state)
  next.open?.(path)
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @type {ConsoleState | undefined} What came while the page is paused. */
let latest
const stream = openStream(
  'events',
  (next) => {
    latest = next
    const isFirst = state === undefined
    if (isPaused && !isFirst) return
    state = next
    if (isFirst) {
      view = undefined
      route()
    }
    showState()
  },
  (next) => {
    const wasLive = connection?.phase === 'live'
    connection = next
    if (next.phase === 'lost' && wasLive) announce(`Disconnected: ${next.reason}`)
    showConnection()
  },
)

window.addEventListener('hashchange', route)
window.addEventListener('online', () => stream.retry())
window.setInterval(() => connection?.phase !== 'live' && showConnection(), 1000)
byId('skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
byId('search').addEventListener('submit', (event) => {
  event.preventDefault()
  const question = questionIn(search.value)
  if (question.length === 0) return
  navigateIn('explain')(question)
  search.blur()
  main.focus({ preventScroll: true })
})
search.addEventListener(
  'input',
  () => state && suggestNames(/** @type {HTMLElement} */ (byId('search-names')), search.value, state),
)
showTools()
route()
showConnection()
