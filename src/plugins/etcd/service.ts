/** A service as SkyDNS writes it: the JSON value of a key. */
import { parseIp } from '../../corefile/address.ts'
import { NameError, parseName } from '../../dns/name.ts'

export interface Service {
  readonly key: string
  /** The address that `host` is; undefined where it is a name. */
  readonly address: Uint8Array | undefined
  /** As written; '' without one. */
  readonly host: string
  /** The host as an absolute name, in its own case; undefined where it is an address or empty. */
  readonly target: string | undefined
  readonly port: number
  readonly priority: number
  readonly weight: number
  readonly text: string
  readonly mail: boolean
  /** Seconds; 0: none is given. */
  readonly ttl: number
  readonly targetStrip: number
  readonly group: string
  /** The lease of the key; 0n: none. */
  readonly lease: bigint
}

const defaultPriority = 10

/** The fields and their types. As in Go's encoding/json, names match in any case. */
const fields = {
  host: 'string',
  port: 'integer',
  priority: 'integer',
  weight: 'integer',
  text: 'string',
  mail: 'boolean',
  ttl: 'seconds',
  targetstrip: 'integer',
  group: 'string',
} as const

type Kind = (typeof fields)[keyof typeof fields]

const accepts: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isSafeInteger(value),
  seconds: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff,
}

interface Found {
  host?: string
  port?: number
  priority?: number
  weight?: number
  text?: string
  mail?: boolean
  ttl?: number
  targetstrip?: number
  group?: string
}

/** Octets: a text that fits a message with all of its characters escaped. JSON of lists of nothing takes thirty times as many. */
const largestValue = 256 * 1024

/** Throws Error with the reason where the value is not a service. */
export function parseService(key: string, value: Uint8Array, lease: bigint): Service {
  if (value.length > largestValue)
    throw new Error(`the value has ${value.length} octets; at most ${largestValue} are read`)
  const found = readFields(JSON.parse(Buffer.from(value).toString('utf8')))
  const { host = '', text = '' } = found
  const address = host === '' ? undefined : parseIp(host)
  return {
    key,
    address,
    host,
    target: address || host === '' ? undefined : absolute(host),
    // Go cuts them to 16 bits.
    port: (found.port ?? 0) === noPort ? noPort : (found.port ?? 0) & 0xffff,
    priority: found.priority || defaultPriority,
    weight: found.weight ?? 0,
    text,
    mail: found.mail ?? false,
    ttl: found.ttl ?? 0,
    targetStrip: Math.max(0, found.targetstrip ?? 0),
    group: found.group ?? '',
    lease,
  }
}

/** A service with this port has no SRV record. */
export const noPort = -1

function readFields(json: unknown): Found {
  if (json === null) return {}
  if (typeof json !== 'object' || Array.isArray(json)) throw new Error('the value must be a JSON object')
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(json)) {
    const field = name.toLowerCase() as keyof typeof fields
    if (!Object.hasOwn(fields, field) || value === null) continue
    if (!accepts[fields[field]](value)) throw new Error(`"${name}" must be of type ${fields[field]}`)
    found[field] = value
  }
  return found
}

function absolute(host: string): string {
  try {
    return parseName(host)
  } catch (error) {
    if (error instanceof NameError) throw new Error(`"host" is not a domain name: ${error.message}`)
    throw error
  }
}
