/** The `kubernetes` directive's options (coredns-behaviour §4.1) as rows. */
import type { ClusterConfig } from '../../cluster/types.ts'
import { type ClusterDnsSettings, isReverseZone } from '../../compile/settings.ts'
import {
  custom,
  duration,
  fail,
  fallthrough,
  flag,
  float,
  integer,
  list,
  oneOf,
  option,
  readBody,
  text,
  zoneList,
  zonesOf,
} from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { labelSelector } from './label-selector.ts'
import { changeTimeAnnotation } from './programming-latency.ts'

export interface KubernetesSettings {
  readonly dns: ClusterDnsSettings
  readonly cluster: Omit<ClusterConfig, 'source'>
  readonly source: Source
  /** Milliseconds after which a cluster that has not been read yet is told in the log. */
  readonly startupTimeout: number
}

/** As the Corefile has it: the folder of `manifests` is resolved by the plugin, which knows the block's root. */
export type Source = ClusterConfig['source']

const defaultTtl = 5
const maxTtl = 3600
const defaultStartupTimeout = 5_000

const rows = {
  endpoint: list(text, { min: 1 }),
  tls: list(text, { min: 3, max: 3 }),
  kubeconfig: list(text, { min: 1, max: 2 }),
  manifests: option(text),
  namespaces: list(text, { repeat: 'append' }),
  namespace_labels: custom({ min: 1 }, readSelector),
  labels: custom({ min: 1 }, readSelector),
  pods: option(oneOf(['disabled', 'insecure', 'verified']), { default: 'disabled' as const }),
  endpoint_pod_names: flag(),
  ttl: option(integer({ min: 0, max: maxTtl }), { default: defaultTtl, extra: 'ignore' }),
  noendpoints: flag(),
  // A bare `ignore` is accepted and has no effect; what follows `empty_service` is not read.
  ignore: custom({ min: 0 }, readIgnore, { default: false }),
  zonal: flag(),
  multicluster: zoneList({}),
  fallthrough: fallthrough(),
  startup_timeout: option(duration({ min: 1 }), { default: defaultStartupTimeout, extra: 'ignore' }),
  // CoreDNS sets these too late for them to matter; one connection for all watches needs none of them.
  apiserver_qps: option(float({ min: 0 })),
  apiserver_burst: option(integer({ min: 0 })),
  apiserver_max_inflight: option(integer({ min: 0 })),
}

export const schema: DirectiveSchema<KubernetesSettings> = {
  usage:
    'kubernetes [ZONES...] { endpoint | tls | kubeconfig | manifests | namespaces | namespace_labels | labels | pods | endpoint_pod_names | ttl | noendpoints | ignore empty_service | zonal | multicluster | fallthrough | startup_timeout }',
  repeat: 'once',
  read({ occurrences: [directive], zones: blockZones }) {
    const zones = [...new Set(zonesOf(directive.args, blockZones))]
    const options = readBody(directive, rows)
    if (options.namespaces && options.namespace_labels) {
      throw fail('namespaces and namespace_labels cannot both be set', lineOf(directive, 'namespace_labels'))
    }
    if (options.zonal && options.noendpoints) {
      throw fail('zonal needs the EndpointSlices that noendpoints leaves out', lineOf(directive, 'zonal'))
    }
    const multicluster = options.multicluster ?? []
    const foreign = multicluster.find((zone) => !zones.includes(zone))
    if (foreign !== undefined) {
      throw fail(
        `the multicluster zone ${foreign} is none of the plugin's zones (${zones.join(' ')})`,
        lineOf(directive, 'multicluster'),
      )
    }
    return {
      dns: {
        zones,
        primaryZone: primaryZone(directive, zones),
        ttl: options.ttl,
        namespaces: options.namespaces && new Set(options.namespaces),
        pods: options.pods,
        endpointPodNames: options.endpoint_pod_names,
        ignoreEmptyServices: options.ignore,
        zonal: options.zonal,
        multicluster,
        fallthrough: options.fallthrough ?? [],
      },
      cluster: {
        labels: options.labels ?? '',
        namespaceLabels: options.namespace_labels ?? '',
        endpointSlices: !options.noendpoints,
        pods: options.pods === 'verified',
        serviceImports: multicluster.length > 0,
        podNames: options.endpoint_pod_names,
        zones: options.zonal,
        annotationPrefixes: [changeTimeAnnotation],
      },
      source: sourceOf(directive, options),
      startupTimeout: options.startup_timeout,
    }
  },
}

function readSelector(line: BodyLine): string {
  const selector = line.args.map((token) => token.text).join(' ')
  const problem = labelSelector(selector)
  if (problem) throw fail(`'${selector}' is not a label selector: ${problem}`, line.args[0])
  return selector
}

function readIgnore(line: BodyLine): boolean {
  const [word] = line.args
  if (!word) return false
  if (word.text !== 'empty_service') throw fail(`unable to parse ignore value: '${word.text}'`, word)
  return true
}

/** The zone of PTR targets: the first that is no reverse zone. CoreDNS takes a bare `in-addr.arpa` for one. */
function primaryZone(directive: Directive, zones: readonly string[]): string {
  const primary =
    zones.find((zone) => !isReverseZone(zone)) ??
    zones.find((zone) => !zone.endsWith('.in-addr.arpa.') && !zone.endsWith('.ip6.arpa.'))
  if (primary === undefined) throw fail('non-reverse zone name must be used', directive)
  return primary
}

type Options = ReturnType<typeof readBody<typeof rows>>

function sourceOf(directive: Directive, options: Options): Source {
  const { manifests, kubeconfig, endpoint, tls } = options
  if (manifests !== undefined) {
    const other = (['kubeconfig', 'endpoint'] as const).find((word) => options[word] !== undefined)
    if (other)
      throw fail(
        `manifests takes the place of an API server: it cannot be used with ${other}`,
        lineOf(directive, other),
      )
    return { kind: 'manifests', directory: manifests }
  }
  if (kubeconfig) return { kind: 'kubeconfig', file: kubeconfig[0], context: kubeconfig[1] ?? '' }
  if (!endpoint) return { kind: 'in-cluster' }
  const [url] = endpoint
  return tls ? { kind: 'endpoint', url, tls: { cert: tls[0], key: tls[1], ca: tls[2] } } : { kind: 'endpoint', url }
}

const lineOf = (directive: Directive, word: string): BodyLine | Directive =>
  directive.body?.find((line) => line.word.text === word) ?? directive
