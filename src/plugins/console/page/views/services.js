/** Services and their endpoints, those without a ready one first. */
import { element, h, patch } from '../dom.js'
import { lacksEndpoint } from '../findings.js'
import { count, plural, span } from '../format.js'
import { createGrid } from '../grid.js'
import { explainAddress, note, status, table } from '../parts.js'
import { reasonIn } from '../stream.js'

/** @import { ConsoleState, EndpointState, ServiceState } from '../../../../console/state.ts' */
/** @import { View } from '../parts.js' */

/** @type {readonly { readonly id: string, readonly title: string, readonly matches: (service: ServiceState, lacks: boolean) => boolean }[]} */
const kinds = [
  { id: 'all', title: 'All', matches: () => true },
  { id: 'without', title: 'No ready endpoint', matches: (_, lacks) => lacks },
  {
    id: 'partly',
    title: 'Some not ready',
    matches: ({ ready, notReady, terminating }) => ready > 0 && notReady + terminating > 0,
  },
  { id: 'unsettled', title: 'Unsettled TTL', matches: ({ ttlState }) => ttlState?.state === 'unsettled' },
  { id: 'problems', title: 'Annotation problems', matches: ({ problems }) => problems > 0 },
]

/** @param {ServiceState} service */
const keyOf = ({ namespace, name }) => `${namespace}/${name}`

/** @param {(path: readonly string[]) => void} navigate @returns {View} */
export function createServices(navigate) {
  /** @type {ConsoleState | undefined} */
  let state
  /** Of the state. @type {(service: ServiceState) => boolean} */
  let lacks = () => false
  let kind = kinds[0]
  let filter = ''
  /** @type {{ key: string, endpoints?: readonly EndpointState[], error?: string } | undefined} */
  let opened
  let asked = 0

  const grid = createGrid({
    label: 'Services',
    columns: [
      { title: 'Service', width: 'minmax(12rem, 3fr)', narrowWidth: 'minmax(0, 1fr)', cell: nameOf },
      {
        title: 'State',
        width: 'minmax(9rem, 1.4fr)',
        narrowWidth: '7.2rem',
        cell: (service) => stateOf(service, lacks(service)),
      },
      { title: 'Ready', width: '4.5rem', narrowWidth: '2.6rem', kind: 'number', cell: ({ ready }) => number(ready) },
      {
        title: 'Not ready',
        width: '5.5rem',
        kind: 'number',
        isWideOnly: true,
        cell: ({ notReady }) => number(notReady),
      },
      {
        title: 'Terminating',
        width: '6.5rem',
        kind: 'number',
        isWideOnly: true,
        cell: ({ terminating }) => number(terminating),
      },
      { title: 'Type', width: '7.5rem', isWideOnly: true, cell: ({ type }) => type },
      { title: 'TTL', width: 'minmax(12.5rem, 1fr)', isWideOnly: true, cell: ttlOf },
    ],
    keyOf,
    onOpen: ({ namespace, name }) => navigate(opened?.key === `${namespace}/${name}` ? [] : [namespace, name]),
  })
  const input = /** @type {HTMLInputElement} */ (
    element(
      h('input.filter', {
        type: 'search',
        placeholder: 'namespace/name',
        'aria-label': 'Filter services by namespace and name',
        autocomplete: 'off',
        spellcheck: 'false',
        oninput: () => {
          filter = input.value.trim().toLowerCase()
          show()
        },
      }),
    )
  )
  const chips = element(h('div.chips', { role: 'group', 'aria-label': 'Which services' }))
  const found = element(h('p.found.note'))
  const detail = element(h('section.panel.detail', { tabindex: -1, 'aria-label': 'Endpoints', hidden: true }))
  const root = element(
    h(
      'div.view.services',
      {},
      h('div.toolbar', {}, input, chips, found),
      h('div.split-view', {}, grid.element, detail),
    ),
  )

  function show() {
    if (!state) return
    const { list, more, total } = state.services
    const words = filter.split(/\s+/)
    const rows = list.filter(
      (service) =>
        kind.matches(service, lacks(service)) && words.every((word) => keyOf(service).toLowerCase().includes(word)),
    )
    grid.update(rows)
    const beyond = more > 0 ? `, ${plural(more, 'more')} beyond the list` : ''
    patch(
      found,
      rows.length === list.length
        ? `${plural(total, 'service')}${beyond}`
        : `${count(rows.length)} of ${plural(total, 'service')}${beyond}`,
    )
    patch(
      chips,
      kinds.map((each) =>
        h(
          'button.chip',
          {
            key: each.id,
            type: 'button',
            'aria-pressed': String(each === kind),
            onclick: () => {
              kind = each
              show()
            },
          },
          each.title,
          h('span.badge', {}, count(list.filter((service) => each.matches(service, lacks(service))).length)),
        ),
      ),
    )
    showDetail()
  }

  function showDetail() {
    detail.hidden = opened === undefined
    grid.setOpened(opened?.key ?? '')
    if (!opened) return
    const { key } = opened
    const service = state?.services.list.find((each) => keyOf(each) === key)
    const zone = state?.api.flatMap(({ zones }) => zones).find((each) => !each.endsWith('.arpa.'))
    const name = `${key.split('/').reverse().join('.')}.svc.${zone ?? 'cluster.local.'}`
    detail.setAttribute('aria-label', `Endpoints of ${key}`)
    patch(
      detail,
      h(
        'div.detail-head',
        {},
        h('h2', {}, key),
        h('button.plain-button', { type: 'button', onclick: () => navigate([]) }, 'Close', h('kbd', {}, 'Esc')),
      ),
      service && h('p', {}, stateOf(service, lacks(service)), ` ${service.type}, TTL `, ttlOf(service)),
      h('p', {}, h('a', { href: explainAddress(name) }, 'Explain ', h('code', {}, name))),
      endpointsOf(opened),
    )
  }

  /** @param {string} key */
  async function fetchEndpoints(key) {
    const mine = ++asked
    const [namespace, name] = key.split('/')
    /** @type {typeof opened} */
    let result
    try {
      const reply = await fetch(`service?${new URLSearchParams({ namespace, name })}`, { cache: 'no-store' })
      result = reply.ok
        ? { key, endpoints: await reply.json() }
        : { key, error: reasonIn(await reply.text()).slice(0, 300) }
    } catch {
      result = { key, error: 'the server does not answer' }
    }
    // A later question has its own answer.
    if (mine !== asked || opened?.key !== key) return
    opened = result
    showDetail()
  }

  return {
    id: 'services',
    title: 'Services',
    element: root,
    update(next) {
      const last = state
      state = next
      lacks = lacksEndpoint(next)
      show()
      const changed = () => {
        const [then, now] = [last, next].map((each) =>
          each?.services.list.find((service) => keyOf(service) === opened?.key),
        )
        return JSON.stringify(then) !== JSON.stringify(now)
      }
      if (opened && last?.services !== next.services && changed()) fetchEndpoints(opened.key)
    },
    open([namespace, name]) {
      const key = namespace !== undefined && name !== undefined ? `${namespace}/${name}` : undefined
      const wasOpen = opened !== undefined
      if (key !== opened?.key) {
        opened = key === undefined ? undefined : { key }
        if (key !== undefined) fetchEndpoints(key)
      }
      show()
      if (key !== undefined) detail.focus({ preventScroll: true })
      else if (wasOpen) grid.element.focus({ preventScroll: true })
    },
    close() {
      if (opened) navigate([])
      else if (filter !== '' || kind !== kinds[0]) {
        input.value = filter = ''
        kind = kinds[0]
        show()
      } else return false
      return true
    },
    attention: (now) => now.services.list.filter(lacksEndpoint(now)).length,
  }
}

/** Zeros stand back. @param {number} value */
const number = (value) => (value === 0 ? h('span.muted', {}, '0') : count(value))

/** @param {ServiceState} service */
function nameOf({ namespace, name, problems }) {
  return [
    h('span.service-name', { title: `${namespace}/${name}` }, h('span.muted', {}, `${namespace}/`), name),
    problems > 0 && h('span.badge.warn', {}, plural(problems, 'problem')),
  ]
}

/** @param {ServiceState} service @param {boolean} lacks */
function stateOf({ type, ready, notReady, terminating }, lacks) {
  if (type === 'ExternalName') return status('unknown', 'external')
  if (lacks) return status('critical', notReady + terminating > 0 ? 'none ready' : 'no endpoints')
  if (ready === 0) return status('unknown', 'split')
  if (notReady > 0) return status('warning', 'some not ready')
  if (terminating > 0) return status('warning', 'draining')
  return status('ok', ready === 1 ? 'one ready' : 'ready')
}

/** @param {ServiceState} service */
function ttlOf({ ttl, ttlState }) {
  if (!ttlState) return `${ttl} s`
  const left = ttlState.left === undefined ? '' : `, ${span(Math.ceil(ttlState.left)).replace('.0', '')} left`
  return `${ttl} s, ${ttlState.state}${left}`
}

/** @param {{ endpoints?: readonly EndpointState[], error?: string }} opened */
function endpointsOf({ endpoints, error }) {
  if (error !== undefined) return note(status('critical', error))
  if (!endpoints) return note('Asks for its endpoints…')
  if (endpoints.length === 0) return note('It has no endpoints.')
  const shown = endpoints.slice(0, 500)
  return [
    table(
      'Endpoints',
      ['Address', 'State', 'Pod and node'],
      shown.map(({ address, ready, serving, terminating, pod, node, zone, hostname }) => ({
        key: `${address} ${hostname} ${pod}`,
        cells: [
          h('code', {}, address),
          terminating
            ? status('warning', serving ? 'terminating, serving' : 'terminating')
            : status(ready ? 'ok' : 'critical', ready ? 'ready' : 'not ready'),
          [h('div', {}, pod || hostname || '–'), h('div.muted', {}, [node, zone].filter(Boolean).join(', '))],
        ],
      })),
    ),
    endpoints.length > shown.length && note(`${plural(endpoints.length - shown.length, 'more endpoint')}.`),
  ]
}
