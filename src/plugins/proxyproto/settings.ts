import type { Network } from '../../corefile/address.ts'
import {
  argCount,
  custom,
  duration,
  flag,
  integer,
  list,
  network,
  oneOf,
  option,
  readBody,
  value,
} from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import type { ProxyPolicy, UdpSessions } from '../../plugin/capabilities/proxy-protocol.ts'

export interface ProxySettings {
  /** Peers whose header is used; empty: `default` applies to all. */
  readonly allow: readonly Network[]
  /** The policy for all other peers; undefined: not given. */
  readonly default: ProxyPolicy | undefined
  readonly sessions: Partial<UdpSessions>
  readonly tlvs: boolean
}

const policies = ['use', 'ignore', 'reject', 'skip'] as const

const rows = {
  allow: list(network(), { min: 0, repeat: 'append' }),
  default: option(oneOf(policies, { ignoreCase: true })),
  udp_session_tracking: custom<Partial<UdpSessions>>({ min: 1, max: 2 }, ({ args: [lifetime, most] }, before) => ({
    ...before,
    lifetime: value(duration(), lifetime, 'udp_session_tracking'),
    ...(most && { most: value(integer({ min: 1 }), most, 'udp_session_tracking') }),
  })),
  tlv_metadata: flag(),
}

export const schema: DirectiveSchema<ProxySettings> = {
  usage:
    'proxyproto { allow CIDR...; default use|ignore|reject|skip; udp_session_tracking DURATION [MAX_SESSIONS]; tlv_metadata }',
  repeat: 'many',
  read: ({ occurrences }) => occurrences.map(readOne).reduce(together),
}

function readOne(directive: Directive): ProxySettings {
  argCount(directive, 0, 0)
  const {
    allow = [],
    udp_session_tracking: sessions = {},
    tlv_metadata: tlvs,
    default: policy,
  } = readBody(directive, rows)
  return { allow, sessions, tlvs, default: policy }
}

function together(one: ProxySettings, other: ProxySettings): ProxySettings {
  return {
    allow: [...one.allow, ...other.allow],
    default: other.default ?? one.default,
    sessions: { ...one.sessions, ...other.sessions },
    tlvs: one.tlvs || other.tlvs,
  }
}
