/** Dashboards and alerts, the public ones for CoreDNS and ours, asked of a real Prometheus that scrapes a server in use. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { folder as manifests } from '../manifests/objects.ts'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { askedByDashboards, queryOf, variables } from './coredns-dashboards.ts'
import { type Monitored, startMonitored } from './monitored.ts'

const skip = without('prometheus')

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboard: {
  readonly panels: readonly Panel[]
  readonly templating: { list: readonly { definition?: string }[] }
} = JSON.parse(readFileSync(join(manifests, 'monitoring/dashboard.json'), 'utf8'))

let monitored: Monitored

before(async () => {
  if (!skip) monitored = await startMonitored()
})

after(() => monitored?.stop())

/** Milliseconds: a rate needs two scrapes that succeed, which on a crowded machine take a while. */
const patience = { within: 120_000, every: 200 }

/** Waits for a number: not for a series of NaN, which a panel would not show. */
async function findsData(expression: string): Promise<void> {
  await until(async () => {
    const values = await monitored.prometheus.query(expression)
    assert.ok(values.some(Number.isFinite), `no data: ${expression}`)
  }, patience)
}

describe('the public dashboards and alerts for CoreDNS', { skip }, () => {
  for (const asked of askedByDashboards) {
    const how = typeof asked.read === 'number' ? `percentile ${asked.read}` : asked.read
    const which = [asked.where, asked.group?.length ? `by ${asked.group}` : ''].filter(Boolean).join(' ')
    it(`${asked.by} finds ${asked.metric}, ${how} ${which}`.trim(), () => findsData(queryOf(asked)))
  }

  it('the variables of the public dashboards have values', async () => {
    for (const { label, metric } of variables)
      assert.ok((await monitored.prometheus.labelValues(label, metric)).length > 0, `${label} of ${metric}`)
  })
})

describe('the dashboard of slicedns', { skip }, () => {
  for (const { title, targets = [] } of dashboard.panels)
    if (targets.length > 0)
      it(`the panel '${title}' finds data for each of its queries`, async () => {
        for (const { expr } of targets) await findsData(resolved(expr))
      })

  it('the variables of the dashboard have values', async () => {
    const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? [])
    assert.equal(definitions.length, 2)
    for (const definition of definitions) {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(resolved(definition))!
      assert.ok((await monitored.prometheus.labelValues(label!, selector!)).length > 0, definition)
    }
  })
})

const resolved = (text: string): string =>
  text.replaceAll('$job', 'slicedns').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m')

describe('the alerts of slicedns', { skip }, () => {
  it('Prometheus evaluates every rule without an error', async () => {
    await until(async () => {
      const rules = await monitored.prometheus.rules()
      assert.ok(rules.length > 0)
      assert.deepEqual(
        rules.filter(({ health }) => health !== 'ok'),
        [],
      )
    }, patience)
  })

  it('every metric that a rule asks for is there, but for the age of a snapshot that is not in use', async () => {
    const rules = await monitored.prometheus.rules()
    const names = new Set(rules.flatMap(({ query }) => query.match(/\b(slicedns|coredns|process)_\w+/g) ?? []))
    const present = new Set(await monitored.prometheus.labelValues('__name__', '{job="slicedns"}'))
    assert.deepEqual(
      [...names].filter((name) => !present.has(name)),
      ['slicedns_snapshot_age_seconds'],
    )
  })
})
