/** The `kubernetes` directive's options (docs/coredns-behaviour.md §4.1) as rows. */

import { keyStarts } from '../../cluster-dns/annotations/reader.ts'
import { aliasZoneWarnings } from '../../cluster-dns/features/alias/rules.ts'
import { knownAnnotations } from '../../cluster-dns/features/index.ts'
import { type AdaptiveTtl, type ClusterDnsSettings, isReverseZone } from '../../cluster-dns/settings.ts'
import {
  custom,
  duration,
  fail,
  fallthrough,
  flag,
  float,
  integer,
  type Kind,
  list,
  oneOf,
  option,
  readBody,
  text,
  value,
  where,
  zoneList,
  zonesOf,
} from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema } from '../../corefile/schema.ts'
import type { ClusterConfig, SnapshotConfig } from '../../k8s/model/config.ts'
import { labelSelector } from './label-selector.ts'
import { changeTimeAnnotation } from './publish/programming-latency.ts'

export interface KubernetesSettings {
  readonly dns: ClusterDnsSettings
  readonly cluster: Omit<ClusterConfig, 'source'>
  readonly source: Source
  /** What annotation keys begin with, without the slash; undefined when annotations are off. */
  readonly annotationPrefix: string | undefined
  /** Ignored annotations are reported as Kubernetes Events on their objects. */
  readonly events: boolean
  /** As in the Corefile. */
  readonly snapshot: SnapshotConfig | undefined
  /** Milliseconds between two proofs of freshness; undefined: no proofs. */
  readonly proveEvery: number | undefined
  /** Milliseconds after which a cluster that has not been read yet is logged. */
  readonly startupTimeout: number
}

/** As in the Corefile: the plugin, which knows the block's root, resolves the directory of `manifests`. */
export type Source = ClusterConfig['source']

const defaultTtl = 5
const maxTtl = 3600
const defaultStartupTimeout = 5_000
const defaultSettle = 60_000
const longestSettle = 24 * 3600 * 1000
const defaultProofInterval = 5 * 60 * 1000
/** Milliseconds. A proof lists the metadata of all objects: a shorter interval would load the API server. */
const shortestProofInterval = 30 * 1000
const longestProofInterval = 24 * 3600 * 1000
const defaultSnapshotAge = 24 * 3600 * 1000
/** Milliseconds. An older state of a cluster is of no use. */
const longestSnapshotAge = 30 * 24 * 3600 * 1000

/** An API server as client-go accepts it: a URL, or `HOST[:PORT]`. */
const apiServer: Kind<string> = {
  expected: 'a URL or HOST:PORT of an API server, such as https://10.0.0.1:6443',
  parse(word) {
    const authority = String.raw`([^@/]*@)?(\[[\da-f:.%]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?`
    const isUrl = new RegExp(`^[a-z][a-z0-9+.-]*://(?!/|$)${authority}([/?#].*)?$`, 'i').test(word)
    return isUrl || (word !== '' && new RegExp(`^${authority}/?$`, 'i').test(word)) ? word : undefined
  },
}

const rows = {
  // CoreDNS reads only the first one.
  endpoint: custom({ min: 1 }, ({ args: [url] }) => value(apiServer, url, 'endpoint')),
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
  // A bare `ignore` is accepted and has no effect; words after `empty_service` are not read.
  ignore: custom({ min: 0 }, readIgnore, { default: false }),
  zonal: flag(),
  multicluster: zoneList({}),
  fallthrough: fallthrough(),
  ttl_headless: option(integer({ min: 0, max: maxTtl })),
  adaptive_ttl: custom({ min: 2, max: 3 }, readAdaptiveTtl),
  annotations: custom({ min: 1, max: 1 }, readPrefix, { default: { prefix: 'slicedns.io' } }),
  alias_zones: zoneList({ min: 1 }),
  terminating: option(oneOf(['last_resort'])),
  dns_sd: flag(),
  events: flag(),
  snapshot: custom({ min: 1, max: 2 }, readSnapshot),
  verify: custom({ min: 1, max: 1 }, readInterval, { default: { interval: defaultProofInterval } }),
  startup_timeout: option(duration({ min: 1 }), { default: defaultStartupTimeout, extra: 'ignore' }),
  // They have no effect: CoreDNS sets them too late, and slicedns has one connection for all watches.
  apiserver_qps: option(float({ min: 0 })),
  apiserver_burst: option(integer({ min: 0 })),
  apiserver_max_inflight: option(integer({ min: 0 })),
}

export const schema: DirectiveSchema<KubernetesSettings> = {
  usage:
    'kubernetes [ZONES...] { endpoint | tls | kubeconfig | manifests | namespaces | namespace_labels | labels | pods | endpoint_pod_names | ttl | noendpoints | ignore empty_service | zonal | multicluster | fallthrough | startup_timeout | ttl_headless | adaptive_ttl | annotations | alias_zones | terminating last_resort | dns_sd | events | snapshot | verify }',
  repeat: 'once',
  warnings: ({ dns }, { zones }) => aliasZoneWarnings(dns, zones).map((message) => ({ message })),
  read({ occurrences: [directive], zones: blockZones }) {
    const zones = [...new Set(zonesOf(directive.args, blockZones))]
    const options = readBody(directive, rows)
    if (options.namespaces && options.namespace_labels) {
      throw fail('namespaces and namespace_labels cannot both be set', lineOf(directive, 'namespace_labels'))
    }
    if (options.zonal && options.noendpoints) {
      throw fail('zonal requires EndpointSlices, but noendpoints is set', lineOf(directive, 'zonal'))
    }
    const multicluster = options.multicluster ?? []
    const { prefix } = options.annotations
    if (options.events && prefix === undefined) {
      throw fail('events requires annotations, but annotations is off', lineOf(directive, 'events'))
    }
    const foreign = multicluster.find((zone) => !zones.includes(zone))
    if (foreign !== undefined) {
      throw fail(
        `multicluster zone ${foreign} must be one of the plugin's zones (${zones.join(' ')})`,
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
        ttlHeadless: options.ttl_headless,
        adaptiveTtl: options.adaptive_ttl,
        aliasZones: options.alias_zones ?? [],
        terminatingLastResort: options.terminating !== undefined,
        dnsSd: options.dns_sd,
      },
      cluster: {
        labels: options.labels ?? '',
        namespaceLabels: options.namespace_labels ?? '',
        endpointSlices: !options.noendpoints,
        pods: options.pods === 'verified',
        serviceImports: multicluster.length > 0,
        podNames: options.endpoint_pod_names,
        podLabels: false,
        zones: options.zonal,
        sliceUids: options.events,
        annotationPrefixes: [
          changeTimeAnnotation,
          ...(prefix === undefined ? [] : keyStarts(prefix, knownAnnotations)),
        ],
      },
      source: sourceOf(directive, options),
      annotationPrefix: prefix,
      events: options.events,
      snapshot: options.snapshot,
      proveEvery: options.verify.interval,
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

/** `annotations PREFIX | off` */
function readPrefix({ args: [word] }: BodyLine): { readonly prefix: string | undefined } {
  if (word.text === 'off') return { prefix: undefined }
  // The part of a key before its slash must be a DNS subdomain (Kubernetes API conventions); `txt.` may precede ours.
  const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
  if (word.text.length > 249 || !new RegExp(`^${label}(\\.${label})*$`).test(word.text)) {
    throw fail(`invalid annotation prefix '${word.text}': must be a DNS subdomain such as slicedns.io, or off`, word)
  }
  return { prefix: word.text }
}

/** `adaptive_ttl MIN MAX [SETTLE]` */
function readAdaptiveTtl(line: BodyLine): AdaptiveTtl {
  const seconds = integer({ min: 0, max: maxTtl })
  const [min, max] = line.args.slice(0, 2).map((token) => value(seconds, token, 'adaptive_ttl'))
  if (min > max) throw fail(`adaptive_ttl: MIN (${min}) must not exceed MAX (${max})`, line.args[0])
  const settle = line.args[2]
    ? value(duration({ min: 1, max: longestSettle }), line.args[2], 'adaptive_ttl')
    : defaultSettle
  return { min, max, settle }
}

/** `snapshot FILE [MAX_AGE]` */
function readSnapshot({ args: [file, age] }: BodyLine): SnapshotConfig {
  const maxAge = age ? value(duration({ min: 1000, max: longestSnapshotAge }), age, 'snapshot') : defaultSnapshotAge
  return {
    file: value(
      where(text, 'a file name', (name) => name !== ''),
      file,
      'snapshot',
    ),
    maxAge,
  }
}

/** `verify INTERVAL | off` */
function readInterval({ args: [word] }: BodyLine): { readonly interval: number | undefined } {
  if (word.text === 'off') return { interval: undefined }
  const range = { min: shortestProofInterval, max: longestProofInterval }
  return { interval: value(duration(range), word, 'verify') }
}

function readIgnore(line: BodyLine): boolean {
  const [word] = line.args
  if (!word) return false
  value(oneOf(['empty_service']), word, 'ignore')
  return true
}

/** The zone of PTR targets: the first that is not a reverse zone. CoreDNS accepts a bare `in-addr.arpa` too. */
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
    if (options.snapshot) {
      throw fail('snapshot requires an API server and cannot be combined with manifests', lineOf(directive, 'snapshot'))
    }
    const other = (['kubeconfig', 'endpoint'] as const).find((word) => options[word] !== undefined)
    if (other)
      throw fail(`manifests replaces the API server and cannot be combined with ${other}`, lineOf(directive, other))
    return { kind: 'manifests', directory: manifests }
  }
  if (kubeconfig) return { kind: 'kubeconfig', file: kubeconfig[0], context: kubeconfig[1] ?? '' }
  if (!endpoint) return { kind: 'in-cluster' }
  return tls
    ? { kind: 'endpoint', url: endpoint, tls: { cert: tls[0], key: tls[1], ca: tls[2] } }
    : { kind: 'endpoint', url: endpoint }
}

const lineOf = (directive: Directive, word: string): BodyLine | Directive =>
  directive.body?.find((line) => line.word.text === word) ?? directive
