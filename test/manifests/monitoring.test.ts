/** manifests/monitoring: each alert is proved by promtool and explained in docs/monitoring.md; the folder is what kubectl applies. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { peer, without } from '../support/peers.ts'
import { folder, objects, objectsOf } from './objects.ts'
import { prometheusRule, prometheusRuleFile } from './prometheus-rule.ts'

const run = promisify(execFile)
const monitoring = join(folder, 'monitoring')
const read = (name: string): string => readFileSync(join(monitoring, name), 'utf8')

interface Rule {
  readonly alert: string
  readonly annotations: Readonly<Record<string, string>>
}

interface AlertTest {
  readonly alertname: string
  readonly exp_alerts?: readonly unknown[]
}

const rules: readonly Rule[] = parse(read('alerts.yaml')).groups.flatMap(
  ({ rules }: { rules: readonly Rule[] }) => rules,
)
const tests: readonly { readonly alert_rule_test: readonly AlertTest[] }[] = parse(read('alerts-test.yaml')).tests
const names = [...new Set(rules.map(({ alert }) => alert))]

describe('the alerts', () => {
  it('promtool proves the alerts', { skip: without('promtool') }, async () => {
    await run(peer('promtool')!, ['test', 'rules', join(monitoring, 'alerts-test.yaml')])
  })

  for (const name of names)
    it(`${name} is tested quiet, firing and resolved`, () => {
      const course = tests
        .map(({ alert_rule_test }) => alert_rule_test.filter(({ alertname }) => alertname === name))
        .find((each) => each.length > 0)
      assert.deepEqual(
        course?.map(({ exp_alerts = [] }) => exp_alerts.length > 0),
        [false, true, false],
      )
    })

  it('each alert leads to its section of docs/monitoring.md, and each section to an alert', () => {
    const document = readFileSync(join(folder, '../docs/monitoring.md'), 'utf8')
    const sections = [...document.matchAll(/^### (Slicedns\w+)$/gm)].map(([, section]) => section)
    assert.deepEqual(sections, names)
    for (const { alert, annotations } of rules)
      assert.equal(annotations.runbook, `docs/monitoring.md#${alert.toLowerCase()}`)
  })

  it('prometheusrule.yaml is what `npm run alerts` writes', () => {
    assert.equal(readFileSync(prometheusRuleFile, 'utf8'), prometheusRule())
  })
})

describe('manifests/monitoring', () => {
  it('kubectl makes a PodMonitor, a PrometheusRule and a dashboard that Grafana finds', {
    skip: without('kubectl'),
  }, async () => {
    const { stdout } = await run(peer('kubectl')!, ['kustomize', monitoring])
    const made = objectsOf(stdout)
    const [configMap] = made.filter(({ kind }) => kind === 'ConfigMap')
    assert.deepEqual(made.map(({ kind }) => kind).sort(), ['ConfigMap', 'PodMonitor', 'PrometheusRule'])
    assert.ok(made.every(({ metadata }) => metadata.namespace === 'kube-system'))
    assert.equal(configMap!.metadata.labels.grafana_dashboard, '1')
    assert.equal(configMap!.data['slicedns.json'], read('dashboard.json'))
  })

  it('the PodMonitor selects the pods of the Deployment and of the DaemonSet, by a port that they have', () => {
    const { spec } = parse(read('podmonitor.yaml'))
    const [{ key, operator, values }] = spec.selector.matchExpressions
    assert.equal(operator, 'In')
    assert.equal(spec.jobLabel, key)
    const workloads = [
      objects.find(({ kind }) => kind === 'Deployment')!,
      ...objectsOf(readFileSync(join(folder, 'node-local/daemonset.yaml'), 'utf8')),
    ]
    const templates = workloads.map(({ spec }) => spec.template)
    assert.deepEqual(
      templates.map(({ metadata }) => metadata.labels[key]),
      values,
    )
    for (const template of templates) {
      const ports = template.spec.containers[0].ports.map(({ name }: { name: string }) => name)
      for (const { port } of spec.podMetricsEndpoints) assert.ok(ports.includes(port), port)
    }
  })
})
