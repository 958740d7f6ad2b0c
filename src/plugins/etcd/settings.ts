/** The `etcd` directive. */
import {
  argCount,
  custom,
  fail,
  fallthrough,
  flag,
  type Kind,
  list,
  option,
  parseDuration,
  readBody,
  text,
  zonesOf,
} from '../../corefile/read.ts'
import type { DirectiveSchema, Position, Token } from '../../corefile/schema.ts'
import { type CertificateFiles, certificateFiles } from '../../upstream/client-certificates.ts'

export interface EtcdSettings {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  readonly path: string
  /** As URLs, with scheme and port. */
  readonly endpoints: readonly string[]
  readonly credentials: { readonly user: string; readonly password: string } | undefined
  /** Undefined without `tls`. */
  readonly tls: CertificateFiles | undefined
  /** Seconds. */
  readonly minLeaseTtl: number
  readonly maxLeaseTtl: number
  readonly apexFallback: boolean
  /** Zones whose missing names go to the next plugin. */
  readonly fallthrough: readonly string[]
  readonly at: Position
  /** Where a second directive stands. */
  readonly ignored: Position | undefined
}

const defaultEndpoint = 'http://localhost:2379'
const defaultPort = 2379
const maxSeconds = 0xffffffff
const second = 1000

/** Milliseconds, from a number of seconds or a Go duration. */
const leaseTime: Kind<number> = {
  expected: `a number of seconds or a duration (30, 30s, 5m, 1h) of at most ${maxSeconds} seconds`,
  // An empty word is 0, and 0 means the default.
  parse(word) {
    if (word.trim() === '') return 0
    const time = parseDuration(/^\d+$/.test(word) ? `${word}s` : word)
    return time !== undefined && time >= 0 && time <= maxSeconds * second ? time : undefined
  },
}

const rows = {
  // CoreDNS ignores these three.
  stubzones: flag({ closes: true }),
  debug: flag({ closes: true }),
  upstream: list(text, { min: 0, default: [] }),
  fallthrough: fallthrough(),
  path: option(text, { default: '/skydns', closes: true }),
  endpoint: custom({ min: 1 }, ({ args }) => args.map(readEndpoint)),
  credentials: custom({ min: 2, max: 2 }, ({ args: [user, password] }) => ({
    user: user.text,
    password: password.text,
  })),
  tls: list(text, { min: 0, max: 3 }),
  no_apex_fallback: flag(),
  'min-lease-ttl': option(leaseTime, { default: 30 * second, closes: true }),
  'max-lease-ttl': option(leaseTime, { default: 86_400 * second, closes: true }),
}

export const schema: DirectiveSchema<EtcdSettings> = {
  usage:
    'etcd [ZONES...] { path PATH | endpoint ENDPOINT... | credentials USERNAME PASSWORD | tls [CERT KEY] [CA] | fallthrough [ZONES...] | no_apex_fallback | min-lease-ttl TIME | max-lease-ttl TIME }',
  repeat: 'many',
  // CoreDNS reads the first occurrence in a block and ignores the others.
  read({ occurrences: [directive, another], zones }) {
    argCount(directive, 0)
    const options = readBody(directive, rows)
    return {
      zones: zonesOf(directive.args, zones),
      path: options.path,
      endpoints: options.endpoint ?? [defaultEndpoint],
      credentials: options.credentials,
      tls: options.tls && certificateFiles(options.tls),
      minLeaseTtl: Math.floor(options['min-lease-ttl'] / second) || 30,
      maxLeaseTtl: Math.floor(options['max-lease-ttl'] / second) || 86_400,
      apexFallback: !options.no_apex_fallback,
      fallthrough: options.fallthrough ?? [],
      at: directive.at,
      ignored: another?.spill === undefined ? another?.at : undefined,
    }
  },
  warnings: ({ ignored }) =>
    ignored === undefined ? [] : [{ message: "has no effect: a server block's first 'etcd' counts", at: ignored }],
}

/** Without a scheme the endpoint is plain HTTP, as for etcd's own client. */
function readEndpoint(token: Token): string {
  const written = /^[a-z]+:\/\//.test(token.text) ? token.text : `http://${token.text}`
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    throw fail(`endpoint: '${token.text}' is not an endpoint: write http://HOST:PORT or https://HOST:PORT`, token)
  // URL drops the default port of its scheme.
  const [, port = defaultPort] = /:(\d+)\/?$/.exec(token.text) ?? []
  return `${url.protocol}//${url.hostname}:${port}`
}
