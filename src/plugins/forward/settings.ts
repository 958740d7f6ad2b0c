/** The schema of `forward` (docs/coredns-behaviour.md §6). */
import { existsSync } from 'node:fs'
import { suggestion } from '../../corefile/nearest.ts'
import {
  argCount,
  custom,
  duration,
  fail,
  flag,
  integer,
  ip,
  ipAndPort,
  list,
  normalizeZone,
  oneOf,
  option,
  readBody,
  text,
  unsigned,
  value,
  where,
} from '../../corefile/read.ts'
import type { Directive, DirectiveSchema, Position, Token } from '../../corefile/schema.ts'
import { rcode } from '../../dns/codes.ts'
import { parseName } from '../../dns/name.ts'
import { responseCode } from '../../plugin/dns-values.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type CertificateFiles, certificateFiles } from '../../upstream/client-certificates.ts'
import { defaultPorts, parseTarget, type UpstreamAddress } from './targets.ts'

/** One `forward` of a block. Durations are milliseconds. */
export interface ForwardSettings {
  readonly at: Position
  readonly from: string
  readonly to: readonly UpstreamAddress[]
  readonly except: readonly string[]
  readonly forceTcp: boolean
  readonly preferUdp: boolean
  readonly expire: number
  readonly maxAge: number
  readonly maxIdle: number
  readonly readTimeout: number
  readonly maxFails: number
  /** Undefined: twice the number of servers. */
  readonly maxConnectAttempts: number | undefined
  readonly healthCheck: { readonly interval: number; readonly recursionDesired: boolean; readonly domain: string }
  readonly policy: 'random' | 'round_robin' | 'sequential'
  /** 0: no limit. */
  readonly maxConcurrent: number
  /** Paths of certificate and key, and of the CA; undefined without `tls`. */
  readonly tls: CertificateFiles | undefined
  readonly tlsServerName: string
  readonly next: ReadonlySet<number>
  readonly nextOnNodata: boolean
  readonly failover: ReadonlySet<number>
  readonly failfast: boolean
  readonly dohMethod: 'GET' | 'POST'
  readonly source: string | undefined
  /** Servers that resolve host names among TO; [] for the system's. */
  readonly resolvers: readonly string[]
}

export const maxTargets = 15

const second = 1000
const defaultCheck: ForwardSettings['healthCheck'] = { interval: 0.5 * second, recursionDesired: true, domain: '.' }

const rows = {
  except: list(text, { repeat: 'append', default: [] }),
  force_tcp: flag(),
  prefer_udp: flag(),
  expire: option(duration({ min: 0 }), { default: 10 * second, closes: true }),
  max_age: option(duration({ min: 0 }), { default: 0, closes: true }),
  max_idle_conns: option(integer({ min: 0 }), { default: 0, closes: true }),
  read_timeout: option(
    where(duration(), 'a duration above zero (500ms, 2s)', (time) => time > 0),
    { default: 2 * second, closes: true },
  ),
  max_fails: option(unsigned({ max: 0xffffffff }), { default: 2, closes: true }),
  max_connect_attempts: option(unsigned({ max: 0xffffffff }), { closes: true }),
  health_check: custom({ min: 1 }, ({ args }) => readHealthCheck(args), { default: defaultCheck }),
  policy: option(oneOf(['random', 'round_robin', 'sequential']), { default: 'random' as const, closes: true }),
  max_concurrent: option(integer({ min: 0 }), { default: 0, closes: true }),
  tls: list(text, { min: 0, max: 3 }),
  tls_servername: option(text, { default: '', closes: true }),
  next: custom({ min: 1 }, ({ args }) => readRcodes(args, 'next'), { default: new Set<number>() }),
  next_on_nodata: flag(),
  failover: custom({ min: 1 }, ({ args }) => readFailover(args), { default: new Set<number>() }),
  failfast_all_unhealthy_upstreams: flag(),
  doh_method: option(oneOf(['GET', 'POST']), { default: 'POST' as const, closes: true }),
  source_address: option(ip(), { closes: true }),
  resolver: list(ipAndPort(53), { default: [] }),
}

export const schema: DirectiveSchema<readonly ForwardSettings[]> = {
  usage: 'forward FROM TO... { options }',
  repeat: 'many',
  read: ({ occurrences }) => occurrences.map(readForward),
}

function readForward(directive: Directive): ForwardSettings {
  argCount(directive, 2)
  const [fromWord, ...toWords] = directive.args
  const [from] = normalizeZone(fromWord.text)
  if (from === undefined) throw fail(`'${fromWord.text}' is not a zone`, fromWord)
  const options = readBody(directive, rows)
  if (options.max_age > 0 && options.max_age < options.expire) {
    throw fail(`max_age (${options.max_age} ms) must not be less than expire (${options.expire} ms)`, directive)
  }
  const to = toWords.map(readTarget)
  if (to.length > maxTargets) throw fail(`more than ${maxTargets} TOs configured: ${to.length}`, toWords[maxTargets])
  const named = to.findIndex((target) => target.kind === 'server' && target.server.serverName !== '')
  if (named >= 0 && options.tls_servername) {
    throw fail(`'tls_servername' cannot be used together with '%servername' in a TO`, toWords[named])
  }
  return {
    at: directive.at,
    from,
    to,
    except: options.except.flatMap(normalizeZone),
    forceTcp: options.force_tcp,
    preferUdp: options.prefer_udp && !options.force_tcp,
    expire: options.expire,
    maxAge: options.max_age,
    maxIdle: options.max_idle_conns,
    readTimeout: options.read_timeout,
    maxFails: options.max_fails,
    maxConnectAttempts: options.max_connect_attempts,
    healthCheck: options.health_check,
    policy: options.policy,
    maxConcurrent: options.max_concurrent,
    tls: options.tls && certificateFiles(options.tls),
    tlsServerName: options.tls_servername,
    next: options.next,
    nextOnNodata: options.next_on_nodata,
    failover: options.failover,
    failfast: options.failfast_all_unhealthy_upstreams,
    dohMethod: options.doh_method,
    source: options.source_address,
    resolvers: options.resolver.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
  }
}

function readTarget(token: Token): UpstreamAddress {
  const [, scheme] = /^([a-z0-9]+):\/\//.exec(token.text) ?? []
  if (scheme !== undefined && !Object.hasOwn(defaultPorts, scheme))
    throw fail(
      `forward does not support ${scheme}://; it supports ${Object.keys(defaultPorts).join('://, ')}://`,
      token,
    )
  const target = parseTarget(token.text, isFile)
  if (!target) throw fail(`'${token.text}' is not an IP address, a file like /etc/resolv.conf or a host name`, token)
  return target
}

/** Whether a TO word names a file. A path does even while its file is missing. */
function isFile(path: string): boolean {
  return path.includes('/') || existsSync(path)
}

function readHealthCheck([interval, ...words]: readonly Token[]): ForwardSettings['healthCheck'] {
  let { recursionDesired, domain } = defaultCheck
  for (let i = 0; i < words.length; i++) {
    if (words[i].text === 'no_rec') recursionDesired = false
    else if (words[i].text === 'domain' && i + 1 < words.length) domain = readDomain(words[++i])
    else {
      const hint = suggestion(words[i].text, ['no_rec', 'domain'])
      throw fail(`health_check takes 'no_rec' and 'domain NAME', not '${words[i].text}'${hint}`, words[i])
    }
  }
  return { interval: value(duration({ min: 0 }), interval, 'health_check'), recursionDesired, domain }
}

function readDomain(token: Token): string {
  try {
    return parseName(token.text).toLowerCase()
  } catch (error) {
    throw fail(`health_check: ${errorMessage(error)}`, token)
  }
}

function readRcodes(args: readonly Token[], of: string): ReadonlySet<number> {
  return new Set(args.map((token) => value(responseCode({ anyCase: true }), token, of)))
}

function readFailover(args: readonly Token[]): ReadonlySet<number> {
  const codes = readRcodes(args, 'failover')
  if (codes.has(rcode.NOERROR)) throw fail('failover cannot include NOERROR', args[0])
  return codes
}
