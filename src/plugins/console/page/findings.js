/** What is wrong, the worst first: each finding is a sentence, with what to do or where to look. */
import { bytes, latency, percent, plural, span, timeOfDay } from './format.js'

/** @import { ConsoleState, ServiceState, SourceState } from '../../../console/state.ts' */

/**
 * @typedef {'critical' | 'warning'} Severity
 * @typedef {object} Finding
 * @property {string} id the same for the same trouble
 * @property {Severity} severity
 * @property {string} title
 * @property {string} detail
 * @property {string} view where one sees more
 * @typedef {object} Verdict
 * @property {'healthy' | 'degraded' | 'failing'} state
 * @property {string} word
 * @property {readonly Finding[]} findings
 */

/** Shares and factors from which something is worth a line. */
const limits = {
  servfail: { warning: 0.01, critical: 0.1 },
  memory: { warning: 0.85, critical: 0.95 },
  busy: 0.9,
  /** p99 against an hour ago, and the least p99 that is worth a line: in seconds. */
  slower: 3,
  slow: 0.001,
  /** Seconds without an event: bookmarks come about once a minute. */
  quiet: 300,
}
/** Queries a second that make a ratio mean something. */
const enough = 1

/** @param {ConsoleState} state @returns {Verdict} */
export function verdictOn(state) {
  const findings = [
    ...serverFindings(state),
    ...state.api.flatMap(sourceFindings),
    ...trafficFindings(state),
    ...upstreamFindings(state),
    ...serviceFindings(state),
    ...splitFindings(state),
    ...annotationFindings(state),
  ]
  const critical = findings.filter(({ severity }) => severity === 'critical')
  const sorted = [...critical, ...findings.filter(({ severity }) => severity === 'warning')]
  if (critical.length > 0) return { state: 'failing', word: 'Failing', findings: sorted }
  if (findings.length > 0) return { state: 'degraded', word: 'Degraded', findings: sorted }
  return { state: 'healthy', word: 'Healthy', findings: sorted }
}

/**
 * Tells services whose endpoints are missed. An ExternalName has no endpoints, and a split answers with those of its backends.
 * @param {ConsoleState} state
 * @returns {(service: ServiceState) => boolean}
 */
export function lacksEndpoint({ splits }) {
  const isSplit = new Set(splits.map(({ namespace, name }) => `${namespace}/${name}`))
  return ({ namespace, name, type, ready }) =>
    ready === 0 && type !== 'ExternalName' && !isSplit.has(`${namespace}/${name}`)
}

/**
 * A backend of a split that is meant to get queries and cannot: it has dropped out.
 * @param {{ weight: number, share: number }} backend
 */
export const hasDroppedOut = ({ weight, share }) => weight > 0 && share === 0

/** @param {Severity} severity @param {string} id @param {string} title @param {string} detail @param {string} view @returns {Finding} */
const finding = (severity, id, title, detail, view) => ({ id, severity, title, detail, view })

/** @param {ConsoleState} state @returns {Finding[]} */
function serverFindings({ server }) {
  /** @type {Finding[]} */
  const found = []
  if (!server.ready) {
    const who = server.unready.length > 0 ? `Waits for ${server.unready.join(', ')}.` : ''
    found.push(finding('critical', 'ready', 'Not ready', `${who} /ready answers 503.`.trim(), 'overview'))
  }
  const reload = server.lastReload
  if (reload && !reload.ok) {
    const { time, since = time } = reload
    const others = since < time ? ` Reloads have failed since ${timeOfDay(since)}.` : ''
    const detail = `${reload.error ?? 'unknown error'}. The previous configuration stays in force.${others}`
    found.push(finding('warning', 'reload', `The reload at ${timeOfDay(reload.time)} failed`, detail, 'overview'))
  }
  const { resident, limit } = server.memory
  if (limit !== undefined && resident / limit > limits.memory.warning) {
    const severity = resident / limit > limits.memory.critical ? 'critical' : 'warning'
    const detail = `${bytes(resident)} of ${bytes(limit)}: ${percent(resident / limit)}.`
    found.push(finding(severity, 'memory', 'Memory is near its limit', detail, 'overview'))
  }
  const busy = server.threads.filter((thread) => thread.busy > limits.busy)
  if (busy.length > 0) {
    const detail = busy.map((thread) => `${thread.name} ${percent(thread.busy)}`).join(', ')
    found.push(
      finding(
        'warning',
        'busy',
        `${plural(busy.length, 'thread')} at the end of their capacity`,
        `${detail}.`,
        'overview',
      ),
    )
  }
  return found
}

/** @param {SourceState} source @returns {Finding[]} */
function sourceFindings({ endpoint, connected, watches, snapshot, freshness, zones }) {
  /** @type {Finding[]} */
  const found = []
  const age = Math.min(...watches.map((watch) => watch.age))
  // Otherwise a folder of manifests.
  const isApi = endpoint.includes('://')
  if (!connected) {
    const since = Number.isFinite(age) ? ` The last event came ${span(age)} ago.` : ''
    const detail = `Answers for ${zones.join(', ')} stay as they were.${since}`
    const title = isApi ? `The API server ${endpoint} is away` : `The folder ${endpoint} cannot be read`
    found.push(finding('critical', `api ${endpoint}`, title, detail, 'overview'))
  }
  if (snapshot) {
    const detail = `It is ${span(snapshot.age)} old. Changes since then are missing until the API server answers.`
    found.push(finding('warning', `snapshot ${endpoint}`, 'Answers come from a snapshot', detail, 'overview'))
  }
  if (freshness && !freshness.ok) {
    const detail = freshness.detail ?? `Last checked at ${timeOfDay(freshness.time)}.`
    found.push(finding('warning', `freshness ${endpoint}`, 'The data may not be fresh', detail, 'overview'))
  }
  for (const { resource, synced, error, age: quiet } of watches) {
    if (error !== undefined) {
      found.push(
        finding('warning', `watch ${endpoint} ${resource}`, `The watch of ${resource} fails`, error, 'overview'),
      )
    } else if (!synced) {
      const detail = 'Its first list is not complete: names that depend on it wait or are refused.'
      found.push(
        finding('warning', `watch ${endpoint} ${resource}`, `${resource} are not read yet`, detail, 'overview'),
      )
    } else if (connected && quiet > limits.quiet && isApi) {
      const detail = `No event or bookmark for ${span(quiet)}.`
      found.push(
        finding('warning', `watch ${endpoint} ${resource}`, `The watch of ${resource} is silent`, detail, 'overview'),
      )
    }
  }
  return found
}

/** @param {ConsoleState} state @returns {Finding[]} */
function trafficFindings({ traffic }) {
  /** @type {Finding[]} */
  const found = []
  const servfail = (traffic.rcodes.SERVFAIL ?? 0) / traffic.queries
  if (traffic.queries >= enough && servfail > limits.servfail.warning) {
    const severity = servfail > limits.servfail.critical ? 'critical' : 'warning'
    const title = `${percent(servfail)} of replies are SERVFAIL`
    found.push(finding(severity, 'servfail', title, 'Which names: see the traffic view.', 'traffic'))
  }
  const { latency: now, hourAgo } = traffic
  if (hourAgo && hourAgo.p99 > 0 && now.p99 > limits.slow && now.p99 > hourAgo.p99 * limits.slower) {
    const title = `p99 is ${(now.p99 / hourAgo.p99).toFixed(1)} times that of an hour ago`
    found.push(finding('warning', 'slower', title, `${latency(now.p99)} now, ${latency(hourAgo.p99)} then.`, 'traffic'))
  }
  return found
}

/** @param {ConsoleState} state @returns {Finding[]} */
function upstreamFindings({ upstreams }) {
  const groups = Map.groupBy(upstreams, ({ plugin, from }) => `${plugin} ${from}`)
  return [...groups].flatMap(([group, members]) => {
    const down = members.filter(({ healthy }) => !healthy)
    if (down.length === 0) return []
    const names = down.map(({ to, fails }) => `${to} (${plural(fails, 'failed check')})`).join(', ')
    const isAll = down.length === members.length
    const title = isAll ? `Every upstream of ${group} is down` : `${plural(down.length, 'upstream')} of ${group} down`
    return [finding(isAll ? 'critical' : 'warning', `upstream ${group}`, title, `${names}.`, 'upstreams')]
  })
}

/** @param {ConsoleState} state @returns {Finding[]} */
function serviceFindings(state) {
  const without = state.services.list.filter(lacksEndpoint(state))
  if (without.length === 0) return []
  const named = without.slice(0, 3).map(({ namespace, name }) => `${namespace}/${name}`)
  const rest = without.length > named.length ? ` and ${plural(without.length - named.length, 'other')}` : ''
  const [verb, what] = without.length === 1 ? ['has', 'service'] : ['have', 'services']
  const title = `${without.length} ${what} ${verb} no ready endpoint`
  return [finding('warning', 'services', title, `${named.join(', ')}${rest}.`, 'services')]
}

/** @param {ConsoleState} state @returns {Finding[]} */
function splitFindings({ splits }) {
  return splits.flatMap(({ namespace, name, backends }) => {
    const empty = backends.filter(hasDroppedOut)
    if (empty.length === 0) return []
    const title = `The split ${namespace}/${name} lacks ${plural(empty.length, 'backend')}`
    const detail = `No ready endpoint: ${empty.map((backend) => backend.name).join(', ')}.`
    return [finding('warning', `split ${namespace}/${name}`, title, detail, 'splits')]
  })
}

/** @param {ConsoleState} state @returns {Finding[]} */
function annotationFindings({ problems }) {
  if (problems.length === 0) return []
  const [{ kind, namespace, name, key, reason }] = problems
  const title = `${plural(problems.length, 'annotation is', 'annotations are')} ignored or without effect`
  const detail = `${kind} ${namespace}/${name}: ${key}: ${reason}.`
  return [finding('warning', 'annotations', title, detail, 'problems')]
}
