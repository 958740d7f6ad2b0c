import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import type { MatchContext } from './match-context.ts'
import type { Section } from './settings.ts'

export interface TemplateMetrics {
  matched(context: MatchContext): void
  failed(context: MatchContext, section: Section, template: string, stage: 'template' | 'record'): void
}

export function createTemplateMetrics(metrics: MetricsRegistry): TemplateMetrics {
  const labels = ['server', 'zone', 'view', 'class', 'type']
  const failureLabels = [...labels, 'section', 'template']
  const matches = metrics.counter('coredns_template_matches_total', 'Queries that a template answered.', labels)
  const templates = metrics.counter(
    'coredns_template_template_failures_total',
    'Templates that could not be executed.',
    failureLabels,
  )
  const records = metrics.counter(
    'coredns_template_rr_failures_total',
    'Templates whose text was not a record.',
    failureLabels,
  )
  const valuesOf = ({ query, zone, class: qclass, type }: MatchContext) => [
    query.server,
    zone,
    query.view,
    qclass,
    type,
  ]
  return {
    matched(context) {
      if (!context.query.unrecorded) matches.with(...valuesOf(context)).inc()
    },
    failed(context, section, template, stage) {
      if (context.query.unrecorded) return
      const failures = stage === 'template' ? templates : records
      failures.with(...valuesOf(context), section, template).inc()
    },
  }
}
