/**
 * What the public dashboards and alerts for CoreDNS ask Prometheus for: which metric, how it is read, which labels it is
 * grouped and selected by. Facts about them, not their text. `coredns` of kube-prometheus-stack stands for those that
 * descend from Grafana's 5926 and 12539 (14570, 16358, 20527, 22574).
 */

/** What stands for `$job`, `$instance`, `$cluster` and `$pod` of a dashboard: any value, also none. */
export interface Asked {
  readonly by: 'kube-prometheus-stack' | 'Grafana 15762' | 'coredns-mixin'
  readonly metric: string
  /** `ratio`: the sum divided by the count of a histogram. Numbers: a percentile. */
  readonly read: 'value' | 'rate' | 'increase' | 'ratio' | number
  readonly group?: readonly string[]
  readonly where?: string
}

const stack = 'kube-prometheus-stack'
const grafana = 'Grafana 15762'
const mixin = 'coredns-mixin'
const percentiles = [0.5, 0.9, 0.99]

export const askedByDashboards: readonly Asked[] = [
  ...[['proto'], ['type'], ['zone'], []].map((group): Asked => {
    return { by: stack, metric: 'coredns_dns_requests_total', read: 'rate', group }
  }),
  { by: stack, metric: 'coredns_dns_do_requests_total', read: 'rate' },
  { by: stack, metric: 'coredns_dns_responses_total', read: 'rate', group: ['rcode'] },
  ...percentiles.flatMap((read): Asked[] => [
    { by: stack, metric: 'coredns_dns_request_duration_seconds', read, group: ['job'] },
    ...['udp', 'tcp'].flatMap((proto): Asked[] => [
      { by: stack, metric: 'coredns_dns_request_size_bytes', read, group: ['proto'], where: `proto="${proto}"` },
      { by: stack, metric: 'coredns_dns_response_size_bytes', read, group: ['proto'], where: `proto="${proto}"` },
    ]),
  ]),
  { by: stack, metric: 'coredns_cache_entries', read: 'value', group: ['type'] },
  { by: stack, metric: 'coredns_cache_hits_total', read: 'rate', group: ['type'] },
  { by: stack, metric: 'coredns_cache_misses_total', read: 'rate', group: ['type'] },

  { by: grafana, metric: 'up', read: 'value' },
  { by: grafana, metric: 'process_cpu_seconds_total', read: 'rate' },
  { by: grafana, metric: 'process_resident_memory_bytes', read: 'value' },
  { by: grafana, metric: 'coredns_dns_requests_total', read: 'rate', where: 'proto="udp"' },
  { by: grafana, metric: 'coredns_dns_request_size_bytes', read: 'ratio', group: ['proto'], where: 'proto="tcp"' },
  { by: grafana, metric: 'coredns_proxy_request_duration_seconds_count', read: 'rate', where: 'proxy_name="forward"' },
  {
    by: grafana,
    metric: 'coredns_proxy_request_duration_seconds_count',
    read: 'rate',
    group: ['rcode'],
    where: 'proxy_name="forward",rcode=~"SERVFAIL|REFUSED"',
  },
  { by: grafana, metric: 'coredns_dns_request_duration_seconds_bucket', read: 'increase', group: ['le'] },
  ...['request', 'response'].map((side): Asked => {
    const metric = `coredns_dns_${side}_size_bytes_bucket`
    return { by: grafana, metric, read: 'increase', group: ['le'], where: 'le!="0"' }
  }),

  { by: mixin, metric: 'coredns_panics_total', read: 'value' },
  { by: mixin, metric: 'coredns_forward_responses_total', read: 'rate', group: ['rcode'] },
  { by: mixin, metric: 'coredns_forward_responses_total', read: 'rate', where: 'rcode="SERVFAIL"' },
  { by: mixin, metric: 'coredns_forward_requests_total', read: 'rate', group: ['to'] },
  { by: mixin, metric: 'coredns_forward_request_duration_seconds', read: 0.99, group: ['to'] },
  { by: mixin, metric: 'coredns_forward_healthcheck_failures_total', read: 'rate', group: ['to'] },
  { by: mixin, metric: 'coredns_forward_healthcheck_broken_total', read: 'rate' },
  { by: mixin, metric: 'coredns_dns_responses_total', read: 'rate', where: 'rcode="SERVFAIL"' },
  { by: mixin, metric: 'coredns_dns_request_duration_seconds', read: 0.99, group: ['server', 'zone'] },
  { by: mixin, metric: 'coredns_kubernetes_dns_programming_duration_seconds', read: 0.99, group: ['service_kind'] },
  { by: mixin, metric: 'coredns_plugin_enabled', read: 'value', group: ['name'] },
  { by: mixin, metric: 'coredns_dns_request_size_bytes', read: 0.5, group: ['server', 'zone', 'proto'] },
  { by: mixin, metric: 'coredns_dns_response_size_bytes', read: 0.5, group: ['server', 'zone', 'proto'] },
  { by: mixin, metric: 'go_goroutines', read: 'value', group: ['pod'] },
]

/** The variables of the dashboards: values of a label of a series. */
export const variables: readonly { readonly label: string; readonly metric: string }[] = [
  { label: 'job', metric: 'coredns_dns_requests_total' },
  { label: 'instance', metric: 'coredns_dns_requests_total' },
  { label: 'proto', metric: 'coredns_dns_requests_total' },
  { label: 'job', metric: 'coredns_build_info' },
  { label: 'pod', metric: 'coredns_build_info' },
]

/** The query in PromQL, for the scrape's job that these dashboards find CoreDNS under. */
export function queryOf({ metric, read, group = [], where }: Asked): string {
  const selector = `{${['job=~"kube-dns"', 'cluster=~".*"', 'instance=~".*"', 'pod=~".*"', where].filter(Boolean).join(',')}}`
  const sum = (what: string, ...labels: string[]) => `sum by (${[...group, ...labels].join(',')}) (${what})`
  const range = `${selector}[5m]`
  switch (read) {
    case 'value':
      return sum(`${metric}${selector}`)
    case 'rate':
    case 'increase':
      return sum(`${read}(${metric}${range})`)
    case 'ratio':
      return `${sum(`rate(${metric}_sum${range})`)} / ${sum(`rate(${metric}_count${range})`)}`
    default:
      return `histogram_quantile(${read}, ${sum(`rate(${metric}_bucket${range})`, 'le')})`
  }
}
