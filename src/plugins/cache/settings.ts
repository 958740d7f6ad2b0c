/** The schema of `cache` (docs/coredns-behaviour.md §5). */
import {
  custom,
  duration,
  fail,
  flag,
  integer,
  isInteger,
  normalizeZone,
  oneOf,
  option,
  readBody,
  value,
  where,
  zonesOf,
} from '../../corefile/read.ts'
import type { DirectiveSchema, Token } from '../../corefile/schema.ts'

/** Limits of one of the two caches; TTLs in seconds. */
export interface Limits {
  /** Entries. */
  readonly capacity: number
  readonly maxTtl: number
  readonly minTtl: number
  /** The least TTL of replies with TTL 0: a MINTTL in the Corefile applies to them, too; the default does not. */
  readonly minTtlOfZero: number
}

export interface Prefetch {
  readonly hits: number
  /** Milliseconds: a longer gap between two hits restarts the count. */
  readonly within: number
  /** Of the TTL: the remaining lifetime at which an entry is renewed. */
  readonly percentage: number
}

export interface ServeStale {
  /** Milliseconds after expiry that an entry may still be served. */
  readonly upTo: number
  readonly verify: boolean
  /** `verify`: milliseconds to wait for a fresh answer; 0: no limit. */
  readonly timeout: number
  /** TTL of stale records, seconds. */
  readonly ttl: number
  /** Milliseconds to wait after a failed renewal. */
  readonly recheck: number
  /** A stale positive entry takes precedence over any denial (`serve_stale_policy prefer_positive`). */
  readonly preferPositive: boolean
}

/** How long SERVFAIL and NOTIMP are kept. */
export interface Servfail {
  /** Seconds; 0: not at all. */
  readonly ttl: number
  /** First failures are kept for a shorter time (RFC 9520 §3.2). The default, without `servfail` in the Corefile. */
  readonly backoff: boolean
}

export interface CacheSettings {
  readonly zones: readonly string[]
  readonly success: Limits
  readonly denial: Limits
  readonly prefetch: Prefetch | undefined
  readonly serveStale: ServeStale | undefined
  readonly servfail: Servfail
  /** Zones whose positive or negative answers are not kept. */
  readonly disableSuccess: readonly string[]
  readonly disableDenial: readonly string[]
  readonly keepTtl: boolean
}

const minute = 60_000
const defaultCapacity = 9984
const defaults = { success: 3600, denial: 1800, min: 5, servfail: 5000 } as const

interface WrittenLimits {
  readonly capacity: number
  readonly maxTtl: number | undefined
  readonly minTtl: number | undefined
}

const rows = {
  success: custom({ min: 1 }, ({ args }) => readLimits(args, 'success')),
  denial: custom({ min: 1 }, ({ args }) => readLimits(args, 'denial')),
  prefetch: custom({ min: 1, max: 3 }, ({ args }) => readPrefetch(args)),
  serve_stale: custom({ min: 0, max: 5 }, ({ args }) => readServeStale(args)),
  serve_stale_policy: option(oneOf(['prefer_positive'], { ignoreCase: true }), { repeat: 'once' }),
  servfail: option(duration({ min: 0, max: 5 * minute })),
  disable: custom<Disabled, Disabled>({ min: 1 }, ({ args }, before) => readDisable(args, before), { default: {} }),
  keepttl: flag(),
}

export const schema: DirectiveSchema<CacheSettings> = {
  usage: 'cache [TTL] [ZONES...] { options }',
  repeat: 'once',
  read({ occurrences: [directive], zones: blockZones }) {
    const [first, ...others] = directive.args
    // A first word that is not a number is a zone: `cache 30s` caches the zone `30s.`
    const ttl = first !== undefined && isInteger(first.text) ? first : undefined
    const maxTtl = ttl && value(integer({ min: 1 }), ttl, 'cache')
    const zones = zonesOf(ttl ? others : directive.args, blockZones)
    const options = readBody(directive, rows)
    if (options.serve_stale_policy && !options.serve_stale) {
      throw fail("'serve_stale_policy' needs 'serve_stale'", directive)
    }
    return {
      zones,
      success: limits(options.success, maxTtl ?? defaults.success),
      denial: limits(options.denial, maxTtl ?? defaults.denial),
      prefetch: options.prefetch,
      serveStale: options.serve_stale && {
        ...options.serve_stale,
        preferPositive: options.serve_stale_policy !== undefined,
      },
      servfail: {
        ttl: Math.floor((options.servfail ?? defaults.servfail) / 1000),
        backoff: options.servfail === undefined,
      },
      disableSuccess: options.disable.success?.(zones) ?? [],
      disableDenial: options.disable.denial?.(zones) ?? [],
      keepTtl: options.keepttl,
    }
  },
}

function limits(written: WrittenLimits | undefined, maxTtl: number): Limits {
  return {
    capacity: written?.capacity ?? defaultCapacity,
    maxTtl: written?.maxTtl ?? maxTtl,
    minTtl: written?.minTtl ?? defaults.min,
    minTtlOfZero: written?.minTtl ?? 0,
  }
}

/** `CAP [TTL [MINTTL]]`; further words are ignored, as in CoreDNS. */
function readLimits([capacity, maxTtl, minTtl]: readonly Token[], of: string): WrittenLimits {
  return {
    // CoreDNS spreads the capacity over 256 shards of at least four entries.
    capacity: 256 * Math.max(4, Math.floor(value(integer(), capacity, of) / 256)),
    maxTtl: maxTtl && value(integer({ min: 1 }), maxTtl, of),
    minTtl: minTtl && value(integer({ min: 0 }), minTtl, of),
  }
}

function readPrefetch([hits, within, percentage]: readonly Token[]): Prefetch | undefined {
  const amount = value(integer({ min: 0 }), hits, 'prefetch')
  const settings = {
    hits: amount,
    within: within ? value(duration(), within, 'prefetch') : minute,
    percentage: percentage ? readPercentage(percentage) : 10,
  }
  return amount === 0 ? undefined : settings
}

function readPercentage(token: Token): number {
  const number = /^(\+?\d+)%$/.exec(token.text)?.[1]
  if (number === undefined || Number(number) < 10 || Number(number) > 90) {
    throw fail(`'${token.text}' is not a percentage from 10% to 90%, which 'prefetch' requires`, token)
  }
  return Number(number)
}

/** A record's TTL. */
const wholeSeconds = where(
  duration({ min: 0 }),
  'a duration in whole seconds (30s) of at most 32 bits',
  (time) => time % 1000 === 0 && time / 1000 <= 0xffffffff,
)

/** `[DUR] [immediate [RTTL [RECHECK]] | verify [TIMEOUT [RTTL [RECHECK]]]]` */
function readServeStale([upTo, mode, ...rest]: readonly Token[]): Omit<ServeStale, 'preferPositive'> {
  const verify =
    mode !== undefined && value(oneOf(['immediate', 'verify'], { ignoreCase: true }), mode, 'serve_stale') === 'verify'
  const timeout = verify ? rest.shift() : undefined
  const [ttl, recheck, surplus] = rest
  if (surplus) throw fail(`'serve_stale ${mode.text}' takes fewer arguments`, surplus)
  return {
    upTo: upTo ? value(duration({ min: 0 }), upTo, 'serve_stale') : 60 * minute,
    verify,
    timeout: timeout ? value(duration({ min: 0 }), timeout, 'serve_stale') : 0,
    ttl: ttl ? value(wholeSeconds, ttl, 'serve_stale') / 1000 : 0,
    recheck: recheck ? value(duration({ min: 0, max: 5 * minute }), recheck, 'serve_stale') : 0,
  }
}

/** Functions of the plugin's zones, which are the ones disabled where the line names none. */
interface Disabled {
  readonly success?: (whole: readonly string[]) => readonly string[]
  readonly denial?: (whole: readonly string[]) => readonly string[]
}

function readDisable([which, ...zones]: readonly Token[], before: Disabled = {}): Disabled {
  const kind = value(oneOf(['success', 'denial']), which, 'disable')
  const named = zones.flatMap((zone) => normalizeZone(zone.text))
  return { ...before, [kind]: (whole: readonly string[]) => (zones.length > 0 ? named : whole) }
}
