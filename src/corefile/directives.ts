/** The directives and their order. A Corefile may write them in any order: the chain follows this table. */
import { suggestion } from './nearest.ts'
import type { DirectiveWord, ParsedCorefile } from './parsed.ts'
import { ConfigError } from './schema.ts'

/**
 * CoreDNS 1.15.0's plugin.cfg in its order, with slicedns's own directives: `extended_errors` near `bufsize`, which
 * also concerns every reply; `console` after the other HTTP endpoints; `no_aaaa` after the plugins that make AAAA
 * records or block clients, and before `cache`.
 */
export const chainOrder: readonly string[] = `
  root metadata geoip cancel proxyproto quic grpc_server https https3 timeouts multisocket reload nsid bufsize
  extended_errors bind debug trace ready health pprof console shed prometheus errors log dnstap local dns64 siit any chaos loadbalance tsig rewrite
  autopath acl no_aaaa cache header dnssec tls minimal template transfer dynupdate hosts route53 azure clouddns k8s_external kubernetes
  file auto secondary etcd loop forward grpc erratic whoami on sign view nomad
`
  .trim()
  .split(/\s+/)

const directiveNames: ReadonlySet<string> = new Set(chainOrder)

/** Whether the word is a directive of CoreDNS, or one of ours. */
export const isDirective = (word: string): boolean => directiveNames.has(word)

/** Directives and options of old Corefiles and external plugins, with what to do instead. */
const advice: Readonly<Record<string, string>> = {
  proxy: "CoreDNS 1.5 removed it; use 'forward'",
  upstream: 'CoreDNS 1.7 removed it; leave it out',
  resyncperiod: 'CoreDNS removed it; leave it out',
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

interface UnsupportedPlugin {
  /** What to use in its place. */
  readonly instead: string
  /** It changes no answer: `-lenient-plugins` leaves it out with a warning. */
  readonly harmless?: true
}

/** Why an option that CoreDNS once had is unknown; undefined for any other word. */
export const adviceOn = (word: string): string | undefined => (Object.hasOwn(advice, word) ? advice[word] : undefined)

/** CoreDNS's directives that slicedns does not have. */
const unsupported: Readonly<Record<string, UnsupportedPlugin>> = {
  route53: { instead: "use 'forward' to the zone's name servers" },
  azure: { instead: "use 'forward' to the zone's name servers" },
  clouddns: { instead: "use 'forward' to the zone's name servers" },
  nomad: { instead: "use 'forward' to a Consul or Nomad DNS server" },
  geoip: { instead: "use 'view' with incidr(client_ip(), NETWORK)" },
  trace: { instead: "use 'prometheus' and 'log'", harmless: true },
  pprof: { instead: "use 'prometheus'", harmless: true },
  quic: { instead: 'quic:// is not served', harmless: true },
  https3: { instead: 'https3:// is not served', harmless: true },
}

/** Whether a directive that slicedns does not have may be left out without changing an answer. */
export const isHarmless = (word: string): boolean =>
  Object.hasOwn(unsupported, word) && unsupported[word].harmless === true

/**
 * Why a directive's word is invalid, or undefined. `available`: the directives of slicedns; `lenient`: a harmless one
 * that it lacks is left out.
 */
export function directiveError(
  word: DirectiveWord,
  available: readonly string[],
  lenient = false,
): ConfigError | undefined {
  const { text, at, glued } = word
  if (available.includes(text)) return undefined
  if (Object.hasOwn(unsupported, text)) {
    const { instead, harmless } = unsupported[text]
    if (harmless && lenient)
      return new ConfigError(`slicedns does not have the plugin '${text}', and leaves it out: ${instead}`, at)
    const remedy = harmless ? '; leave it out, or start with -lenient-plugins' : ''
    return new ConfigError(`slicedns does not have the plugin '${text}': ${instead}${remedy}`, at)
  }
  if (directiveNames.has(text)) return new ConfigError(`slicedns does not have the plugin '${text}' yet`, at)
  const apart = text.slice(0, -1)
  if (text.endsWith('{') && directiveNames.has(apart))
    return new ConfigError(`Unknown directive '${text}': a space is missing before '{' (${apart} {)`, at)
  if (glued !== undefined)
    return new ConfigError(
      `a space is missing before '{' in '${glued.text}': '${text}' is read as a directive`,
      glued.at,
    )
  const hint = Object.hasOwn(advice, text) ? ` (${advice[text]})` : suggestion(text, chainOrder)
  return new ConfigError(`Unknown directive '${text}'${hint}`, at)
}

export interface DirectiveCheck {
  readonly plugins: readonly { readonly name: string }[]
  /** Directives that slicedns does not have are left out where that changes no answer (`-lenient-plugins`). */
  readonly lenient?: boolean
}

/**
 * Throws the first ConfigError about a directive's word: CoreDNS reports these before any error of a plugin. Returns
 * the warnings about directives that are left out.
 */
export function checkDirectives(corefile: ParsedCorefile, { plugins, lenient = false }: DirectiveCheck): ConfigError[] {
  const available = plugins.map(({ name }) => name)
  const leftOut: ConfigError[] = []
  for (const word of corefile.words) {
    const error = directiveError(word, available, lenient)
    if (error === undefined) continue
    if (!lenient || !isHarmless(word.text)) throw error
    leftOut.push(error)
  }
  return leftOut
}
