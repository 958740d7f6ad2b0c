/** `npm run alerts` writes manifests/monitoring/prometheusrule.yaml: alerts.yaml as an object of the Prometheus operator. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder } from './objects.ts'

const source = join(folder, 'monitoring/alerts.yaml')
export const prometheusRuleFile = join(folder, 'monitoring/prometheusrule.yaml')

const head = `# Written by \`npm run alerts\` from alerts.yaml, which says more.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: slicedns
  namespace: kube-system
  labels:
    app.kubernetes.io/name: slicedns
spec:
`

/** The text of prometheusrule.yaml. */
export function prometheusRule(): string {
  const groups = readFileSync(source, 'utf8').replace(/^(#.*\n)*/, '')
  return head + groups.replace(/^(?=.)/gm, '  ')
}

if (import.meta.main) writeFileSync(prometheusRuleFile, prometheusRule())
