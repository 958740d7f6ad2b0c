/** The first look: what is wrong, the figures, the state of this replica. */
import { element, h, patch } from '../dom.js'
import { lacksEndpoint, verdictOn } from '../findings.js'
import { bytes, count, dateAndTime, latency, percent, plural, span, timeOfDay } from '../format.js'
import { breakdown, code, mark, meter, note, numeric, panel, sparkline, status, table, tile } from '../parts.js'

/** @import { ConsoleState, HistoryPoint, SourceState } from '../../../../console/state.ts' */
/** @import { View } from '../parts.js' */

/** @returns {View} */
export function createOverview() {
  const root = element(h('div.view.overview'))
  return {
    id: 'overview',
    title: 'Overview',
    element: root,
    update: (state) =>
      patch(
        root,
        wrong(state),
        figures(state),
        panel('Replies', { class: 'replies' }, breakdown(rcodes(state))),
        panel('Answered by', { class: 'paths' }, breakdown(paths(state)), protocols(state)),
        panel('Cluster', { class: 'cluster' }, sources(state.api)),
        panel('This replica', { class: 'replica' }, replica(state)),
      ),
    attention: (state) => verdictOn(state).findings.length,
  }
}

/** @param {ConsoleState} state */
function wrong(state) {
  const { findings } = verdictOn(state)
  const critical = findings.filter(({ severity }) => severity === 'critical').length
  const counts = [
    critical > 0 && `${critical} critical`,
    findings.length > critical && plural(findings.length - critical, 'warning'),
  ].filter(Boolean)
  return panel(
    findings.length === 0 ? 'What is wrong' : `What is wrong: ${counts.join(', ')}`,
    { class: 'wrong' },
    findings.length === 0
      ? h('p.all-well', {}, status('ok', 'Nothing. Ready, connected, and every service has a ready endpoint.'))
      : h(
          'ul.findings',
          { tabindex: 0, 'aria-label': 'What is wrong' },
          findings.map(({ id, severity, title, detail, view }) =>
            h(
              'li',
              { key: id, class: `tone-${severity}` },
              mark(severity),
              h(
                'div',
                {},
                view === 'overview' ? h('strong', {}, title) : h('a', { href: `#/${view}`, 'data-row': true }, title),
                h('p', {}, detail),
              ),
            ),
          ),
        ),
  )
}

/** @param {ConsoleState} state */
function figures(state) {
  const { traffic, server, cache, services, api } = state
  const { latency: now, hourAgo, rcodes: replies, queries } = traffic
  const { resident, limit } = server.memory
  const busiest = server.threads.reduce((most, thread) => (thread.busy > most.busy ? thread : most), {
    name: '',
    busy: 0,
  })
  const hits = cache.reduce((sum, each) => sum + each.hits, 0)
  const misses = cache.reduce((sum, each) => sum + each.misses, 0)
  /** @param {(point: HistoryPoint) => number} valueAt @param {string} [kind] */
  const course = (valueAt, kind) => traffic.history.length > 1 && sparkline(traffic.history.map(valueAt), kind)
  return h(
    'dl.tiles',
    {},
    tile(
      'Queries',
      `${count(queries)}/s`,
      against(queries, hourAgo?.queries, count),
      course((point) => point.queries),
    ),
    tile(
      'p50',
      latency(now.p50),
      against(now.p50, hourAgo?.p50, latency),
      course((point) => point.p50),
    ),
    tile(
      'p99',
      latency(now.p99),
      against(now.p99, hourAgo?.p99, latency),
      course((point) => point.p99),
    ),
    tile(
      'SERVFAIL',
      queries > 0 ? percent((replies.SERVFAIL ?? 0) / queries) : '–',
      `${count(replies.SERVFAIL ?? 0)}/s`,
      course((point) => point.failures, 'mark-bad'),
    ),
    tile(
      'Memory',
      bytes(resident),
      limit === undefined
        ? 'without a limit'
        : [
            meter(resident / limit, resident / limit > 0.85 ? 'bad' : ''),
            ` ${percent(resident / limit)} of ${bytes(limit)}`,
          ],
    ),
    tile(
      'Busiest thread',
      server.threads.length > 0 ? percent(busiest.busy) : '–',
      busiest.name && [meter(busiest.busy, busiest.busy > 0.9 ? 'bad' : ''), ` ${busiest.name}`],
    ),
    tile('Cache hits', hits + misses > 0 ? percent(hits / (hits + misses)) : '–', `${count(hits + misses)}/s asked`),
    tile(
      'Services',
      count(services.total),
      api.length === 0
        ? 'no cluster is served'
        : `${count(services.list.filter(lacksEndpoint(state)).length)} without a ready endpoint`,
    ),
  )
}

/** @param {number} now @param {number | undefined} then @param {(value: number) => string} format */
function against(now, then, format) {
  if (then === undefined) return 'an hour ago: not known yet'
  if (then === 0 || now === 0) return `${format(then)} an hour ago`
  const factor = now / then
  const change = factor >= 2 ? `×${factor.toFixed(1)}` : `${factor >= 1 ? '+' : '−'}${percent(Math.abs(factor - 1))}`
  return `${change} to ${format(then)} an hour ago`
}

const shownRcodes = ['NOERROR', 'NXDOMAIN', 'SERVFAIL', 'REFUSED']

/** @param {ConsoleState} state */
function rcodes({ traffic }) {
  const others = Object.entries(traffic.rcodes).filter(([name]) => !shownRcodes.includes(name))
  const shown = shownRcodes.map((name) => ({
    name,
    value: traffic.rcodes[name] ?? 0,
    mark: `rcode-${name.toLowerCase()}`,
  }))
  return [...shown, ...others.map(([name, value]) => ({ name, value, mark: 'rcode-other' }))]
}

/** @param {ConsoleState} state */
function paths({ traffic: { paths: by } }) {
  return [
    { name: 'table', value: by.table, mark: 'path-table' },
    { name: 'relay', value: by.relay, mark: 'path-relay' },
    { name: 'plugin chain', value: by.chain, mark: 'path-chain' },
  ]
}

/** @param {ConsoleState} state */
function protocols({ traffic }) {
  const used = Object.entries(traffic.protocols).filter(([, rate]) => rate > 0)
  if (used.length === 0) return note('No queries now')
  return note('By ', used.map(([name, rate]) => `${name} ${count(rate)}/s`).join(', '))
}

/** @param {readonly SourceState[]} api */
function sources(api) {
  if (api.length === 0) return note('No server block has kubernetes: no cluster is served.')
  return api.map((source) => {
    const { plugin, zones, endpoint, connected, watches, snapshot, freshness } = source
    const away = endpoint.includes('://') ? 'API server is away' : 'cannot be read'
    return h(
      'div.source',
      { key: `${plugin} ${endpoint} ${zones.join(' ')}` },
      h(
        'p.source-line',
        {},
        connected ? status('ok', 'connected') : status('critical', away),
        code(endpoint),
        h('span.muted', {}, zones.join(' ')),
      ),
      snapshot && note(status('warning', `answers from a snapshot, ${span(snapshot.age)} old`)),
      freshness &&
        note(
          status(
            freshness.ok ? 'ok' : 'warning',
            `${freshness.ok ? 'fresh' : 'not proven fresh'} at ${timeOfDay(freshness.time)}`,
          ),
          freshness.detail ? ` ${freshness.detail}` : '',
        ),
      table(
        `Watches of ${endpoint}`,
        ['Watch', 'State', numeric('Objects'), numeric('Last event')],
        watches.map(({ resource, objects, synced, age, error }) => ({
          key: resource,
          cells: [
            resource,
            error === undefined
              ? status(synced ? 'ok' : 'warning', synced ? 'synced' : 'reading')
              : status('critical', error),
            count(objects),
            `${span(age)} ago`,
          ],
        })),
      ),
    )
  })
}

/** @param {ConsoleState} state */
function replica({ server }) {
  const { lastReload: reload, listeners } = server
  const waits = server.unready.length > 0 ? `, waits for ${server.unready.join(', ')}` : ''
  return h(
    'dl.facts',
    {},
    fact('State', server.ready ? status('ok', 'ready') : status('critical', `not ready${waits}`)),
    fact('Version', `${server.version}, up ${span(server.uptime)}`),
    fact('Host', code(server.host), ` pid ${server.pid}`),
    fact('Corefile', code(server.corefile)),
    fact('Corefile hash', h('code.hash', { title: server.configHash }, server.configHash.slice(0, 16))),
    fact(
      'Last reload',
      reload === undefined
        ? 'none since the start'
        : reload.ok
          ? status('ok', dateAndTime(reload.time))
          : status('critical', `failed at ${dateAndTime(reload.time)}: ${reload.error ?? 'unknown error'}`),
    ),
    fact(
      plural(listeners.length, 'listener'),
      h(
        'ul.plain',
        {},
        listeners.map(({ scheme, address, port, zones }) => {
          const host = address.includes(':') ? `[${address}]` : address || '*'
          return h(
            'li',
            { key: `${scheme} ${address} ${port}` },
            code(`${scheme}://${host}:${port}`),
            h('span.muted', {}, ` ${zones.join(' ')}`),
          )
        }),
      ),
    ),
    fact('Threads', server.threads.map(({ name, busy }) => `${name} ${percent(busy)}`).join(', ')),
  )
}

/** @param {string} term @param {...import('../dom.js').Child} words */
const fact = (term, ...words) => h('div', { key: term }, h('dt', {}, term), h('dd', {}, words))
