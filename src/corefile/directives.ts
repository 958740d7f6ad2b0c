/** The directives and their order. A Corefile may write them in any order: the chain follows this table. */
import { suggestion } from './nearest.ts'
import type { ParsedCorefile } from './parser.ts'
import { ConfigError, type Token } from './schema.ts'

/** CoreDNS 1.15.0's plugin.cfg in its order, and slicedns's own `console` beside the other HTTP endpoints. */
export const chainOrder: readonly string[] = `
  root metadata geoip cancel proxyproto quic grpc_server https https3 timeouts multisocket reload nsid bufsize bind
  debug trace ready health pprof console shed prometheus errors log dnstap local dns64 siit any chaos loadbalance tsig rewrite
  autopath acl cache header dnssec tls minimal template transfer dynupdate hosts route53 azure clouddns k8s_external kubernetes
  file auto secondary etcd loop forward grpc erratic whoami on sign view nomad
`
  .trim()
  .split(/\s+/)

const directiveNames: ReadonlySet<string> = new Set(chainOrder)

/** What people still copy from old or foreign Corefiles, and what to do instead. */
const advice: Readonly<Record<string, string>> = {
  proxy: "CoreDNS 1.5 removed it; use 'forward'",
  upstream: 'CoreDNS 1.7 removed it; leave it out',
  federation: 'CoreDNS 1.7 removed it',
  multicluster: "an external plugin; use 'kubernetes' with its option 'multicluster'",
  k8s_gateway: 'an external plugin, not part of CoreDNS',
  k8s_crd: 'an external plugin, not part of CoreDNS',
  kubernetai: "an external plugin; use one 'kubernetes' per server block",
  kubeforward: "an external plugin; use 'forward'",
  fanout: "an external plugin; use 'forward'",
  alternate: "an external plugin; 'forward' has 'failover' and 'next'",
  ocp_dnsnameresolver: 'an external plugin, not part of CoreDNS',
  filterlist: 'an external plugin, not part of CoreDNS',
  slog: "an external plugin; use 'log'",
}

/**
 * What is wrong with a directive's word, if anything. `built` are the words that this slicedns has plugins for.
 */
export function directiveError(word: Token, built: readonly string[]): ConfigError | undefined {
  if (built.includes(word.text)) return undefined
  if (directiveNames.has(word.text))
    return new ConfigError(`directive '${word.text}' is one of CoreDNS's that slicedns does not support yet`, word.at)
  const hint = Object.hasOwn(advice, word.text) ? ` (${advice[word.text]})` : suggestion(word.text, chainOrder)
  return new ConfigError(`Unknown directive '${word.text}'${hint}`, word.at)
}

/** Throws the first ConfigError about a directive's word: CoreDNS reports these before any error of a plugin. */
export function checkDirectives(corefile: ParsedCorefile, plugins: readonly { readonly name: string }[]): void {
  const built = plugins.map(({ name }) => name)
  for (const word of corefile.words) {
    const error = directiveError(word, built)
    if (error !== undefined) throw error
  }
}
