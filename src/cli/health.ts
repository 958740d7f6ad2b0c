/** What is wrong with a running server, and what to do about it. */
import type { ConsoleState, SourceState, UpstreamState } from '../console/state.ts'
import { elapsed, mebibytes, percent } from './figures.ts'

export interface HealthFinding {
  /** `failure`: the server is not healthy. `warning`: it is healthy, but needs attention. */
  readonly severity: 'failure' | 'warning'
  readonly what: string
  readonly advice: string
}

/** Shares of the memory limit from which on to warn: answers that do not fit are not compiled, and at the limit the kernel kills. */
const warnedShare = 0.85
const failedShare = 0.97

export function findings(state: ConsoleState): HealthFinding[] {
  return [
    ...readiness(state),
    ...reload(state),
    ...state.api.flatMap(source),
    ...memory(state),
    ...upstreams(state.upstreams),
    ...annotations(state),
  ]
}

const failure = (what: string, advice: string): HealthFinding => ({ severity: 'failure', what, advice })
const warning = (what: string, advice: string): HealthFinding => ({ severity: 'warning', what, advice })

function readiness({ server: { ready, unready } }: ConsoleState): HealthFinding[] {
  if (ready) return []
  const who = unready.length > 0 ? unready.join(', ') : 'a plugin'
  return [
    failure(`not ready: ${who} cannot answer all names yet`, 'see below what is not read, and the log for the reason'),
  ]
}

function reload({ server: { lastReload, corefile }, time }: ConsoleState): HealthFinding[] {
  if (!lastReload || lastReload.ok) return []
  const ago = elapsed((time - lastReload.time) / 1000)
  const { since = lastReload.time } = lastReload
  const first = since < lastReload.time ? ` (the first of them ${elapsed((time - since) / 1000)} ago)` : ''
  const reason = lastReload.error ?? 'see the log'
  return [
    failure(
      `the last reload failed ${ago} ago${first}, the previous configuration runs: ${reason}`,
      `fix the Corefile: slicedns check ${corefile}`,
    ),
  ]
}

function source({ endpoint, connected, watches, snapshot, freshness }: SourceState): HealthFinding[] {
  const unread = watches.filter(({ synced }) => !synced)
  const age = Math.max(0, ...watches.map((watch) => watch.age))
  const found: HealthFinding[] = []
  if (snapshot)
    found.push(
      failure(
        `answers come from a snapshot ${elapsed(snapshot.age)} old: ${endpoint} has not been read`,
        'names may have changed: bring the API server back, or let this pod reach it (network policies)',
      ),
    )
  else if (!connected)
    found.push(
      failure(
        `${endpoint} cannot be reached: answers are those of ${elapsed(age)} ago`,
        'bring the API server back, or let this pod reach it (network policies, its certificate and token)',
      ),
    )
  for (const { resource, error } of unread)
    found.push(
      failure(
        `${resource} have not been read${error ? `: ${error}` : ''}`,
        error === 'forbidden' ? `allow list and watch of ${resource}: manifests/base/rbac.yaml` : 'see the log',
      ),
    )
  if (connected)
    for (const { resource, error, synced, age: silence } of watches)
      if (synced && error)
        found.push(warning(`${resource} are ${elapsed(silence)} old: ${error}`, 'it is tried again; see the log'))
  if (freshness && !freshness.ok)
    found.push(
      failure(
        `the API server has other objects: ${freshness.detail ?? 'they differ'}`,
        'they are read again; if this stays, restart the pod and report it',
      ),
    )
  return found
}

function memory({ server: { memory: used } }: ConsoleState): HealthFinding[] {
  if (used.limit === undefined || used.resident < warnedShare * used.limit) return []
  const share = used.resident / used.limit
  const found = share < failedShare ? warning : failure
  return [
    found(
      `memory: ${mebibytes(used.resident)} of ${mebibytes(used.limit)} (${percent(share)})`,
      'raise the limit of the container, or give cache fewer entries',
    ),
  ]
}

/** A zone without a working upstream: its names fail. */
function upstreams(all: readonly UpstreamState[]): HealthFinding[] {
  const zones = Map.groupBy(all, ({ plugin, from }) => `${plugin} ${from}`)
  return [...zones].flatMap(([zone, list]) => {
    const down = list.filter(({ healthy }) => !healthy)
    if (down.length === 0) return []
    const names = down.map(({ to }) => to).join(', ')
    const isAll = down.length === list.length
    const advice = 'ask them: slicedns query example.com @ADDRESS'
    return [
      isAll
        ? failure(`no upstream of ${zone} answers: ${names}`, advice)
        : warning(`upstreams of ${zone} are down: ${names}`, advice),
    ]
  })
}

function annotations({ problems }: ConsoleState): HealthFinding[] {
  const [first] = problems
  if (first === undefined) return []
  const others = problems.length > 1 ? `, and ${problems.length - 1} more` : ''
  const object = first.namespace === '' ? first.name : `${first.namespace}/${first.name}`
  return [
    warning(
      `annotations are ignored: ${first.key} of ${first.kind} ${object}${others}`,
      'slicedns top (view 3) has all, slicedns explain NAME the reason',
    ),
  ]
}
