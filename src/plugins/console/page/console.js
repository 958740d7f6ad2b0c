/** The page of the console: one view at a time of the state that the server sends. README.md beside it says how it is made. */
import { h, patch } from './dom.js'
import { verdictOn } from './findings.js'
import { bannerOf, verdictBefore, verdictOf, viewLinks, waitingPage } from './frame.js'
import { createKeys } from './keys.js'
import { suggestNames } from './names.js'
import { part } from './parts.js'
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
function showVerdict(shown) {
  const isLive = connection?.phase === 'live'
  const { word, findings } = verdictOn(shown)
  patch(byId('verdict'), ...verdictOf(shown, isLive))
  document.title = `${isLive ? word : 'Disconnected'} – ${shown.server.host} – slicedns`
  announce(isLive ? [word, ...findings.slice(0, 1).map(({ title }) => title)].join(': ') : '')
}

/** Says what changed of the whole, not each figure. @param {string} words */
function announce(words) {
  if (words === '' || words === announced) return
  announced = words
  byId('announcement').textContent = words
}

function showViews() {
  patch(byId('views'), viewLinks(views, view, state))
}

function showConnection() {
  if (!connection) return
  document.body.dataset.connection = connection.phase
  const banner = byId('banner')
  const content = bannerOf({ connection, state, isPaused, onGoOn: togglePause, onRetry: () => stream.retry() })
  banner.hidden = content.length === 0
  patch(banner, ...content)
  if (state) showVerdict(state)
  else {
    patch(byId('verdict'), ...verdictBefore(connection))
    patch(main, waitingPage(connection))
  }
}

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
