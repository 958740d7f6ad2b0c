/**
 * What gRPC clients accept as a service config: gRFC A2 and grpc/doc/service_config.md, as grpc-go and grpc-js enforce
 * them. Fields that are not listed are passed on: clients skip what they do not know.
 */

/** Why the value at a path (`methodConfig[0].timeout`, '' for the whole) is invalid; undefined when it is valid. */
type Check = (value: unknown, at: string) => string | undefined

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const here = (at: string): string => at || 'a service config'

const that =
  (holds: (value: unknown) => boolean, wanted: string): Check =>
  (value, at) =>
    holds(value) ? undefined : `${here(at)} must be ${wanted}`

const text = that((value) => typeof value === 'string', 'a string')
const flag = that((value) => typeof value === 'boolean', 'true or false')
const whole = (least: number, most: number, wanted: string): Check =>
  that((value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most, wanted)
const above = (most: number, wanted: string): Check =>
  that((value) => typeof value === 'number' && value > 0 && value <= most, wanted)

const bytes = whole(0, Number.MAX_SAFE_INTEGER, 'a whole number of octets')

/** The protobuf Duration type, in JSON: seconds with at most nine decimals. */
const durationText = /^\d+(\.\d{1,9})?s$/
const maxSeconds = 315_576_000_000
const isDuration = (value: unknown): boolean =>
  typeof value === 'string' && value.length < 32 && durationText.test(value) && Number.parseFloat(value) <= maxSeconds

const duration = that(isDuration, 'seconds with an s, such as "1.5s"')
const positiveDuration = that(
  (value) => isDuration(value) && Number.parseFloat(value as string) > 0,
  'seconds above 0 with an s, such as "0.1s"',
)

/** A list whose elements pass. `least`: how many there must be. */
const list =
  (each: Check, least = 0): Check =>
  (value, at) => {
    if (!Array.isArray(value)) return `${here(at)} must be a list`
    if (value.length < least) return `${here(at)} must not be empty`
    return first(value, (element, i) => each(element, `${at}[${i}]`))
  }

function first<T>(values: readonly T[], check: (value: T, i: number) => string | undefined): string | undefined {
  for (let i = 0; i < values.length; i++) {
    const wrong = check(values[i]!, i)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

const both =
  (a: Check, b: Check): Check =>
  (value, at) =>
    a(value, at) ?? b(value, at)

/** An object. `closed`: it has no other fields. A field in another case is a mistake: grpc-go reads it, grpc-js does not. */
function record(
  fields: Readonly<Record<string, Check>>,
  { required = [], closed = false }: { readonly required?: readonly string[]; readonly closed?: boolean } = {},
): Check {
  const names = Object.keys(fields)
  return (value, at) => {
    if (!isRecord(value)) return `${here(at)} must be an object`
    const path = (key: string): string => (at === '' ? key : `${at}.${key}`)
    const absent = required.find((key) => !Object.hasOwn(value, key))
    if (absent !== undefined) return `${here(at)} must have ${absent}`
    return first(Object.keys(value), (key) => {
      if (names.includes(key)) return fields[key]!(value[key], path(key))
      const meant = names.find((name) => name.toLowerCase() === key.toLowerCase())
      if (meant !== undefined) return `${path(key)} must be spelled ${meant}`
      return closed ? `${here(at)} has no field ${JSON.stringify(key)}: it has ${names.join(', ')}` : undefined
    })
  }
}

/** In the order of their numbers. */
const statusCodes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]
const statusCode = that(
  (value) =>
    statusCodes.includes(value as string) || (Number.isInteger(value) && statusCodes[value as number] !== undefined),
  'a gRPC status code, such as "UNAVAILABLE"',
)

const attempts = whole(2, Number.MAX_SAFE_INTEGER, 'a whole number of at least 2')

/** gRFC A6. */
const retryPolicy = record(
  {
    maxAttempts: attempts,
    initialBackoff: positiveDuration,
    maxBackoff: positiveDuration,
    backoffMultiplier: above(Number.MAX_VALUE, 'a number above 0'),
    retryableStatusCodes: list(statusCode, 1),
  },
  { required: ['maxAttempts', 'initialBackoff', 'maxBackoff', 'backoffMultiplier', 'retryableStatusCodes'] },
)

const hedgingPolicy = record(
  { maxAttempts: attempts, hedgingDelay: duration, nonFatalStatusCodes: list(statusCode) },
  { required: ['maxAttempts'] },
)

const retryThrottling = record(
  { maxTokens: above(1000, 'a number above 0, at most 1000'), tokenRatio: above(Number.MAX_VALUE, 'a number above 0') },
  { required: ['maxTokens', 'tokenRatio'] },
)

const methodName = both(record({ service: text, method: text }), (value, at) => {
  const { service, method } = value as { readonly service?: string; readonly method?: string }
  return method && !service ? `${at} must have a service, because it has a method` : undefined
})

const methodConfig = both(
  record(
    {
      name: list(methodName),
      waitForReady: flag,
      timeout: duration,
      maxRequestMessageBytes: bytes,
      maxResponseMessageBytes: bytes,
      retryPolicy,
      hedgingPolicy,
    },
    { required: ['name'] },
  ),
  (value, at) =>
    isRecord(value) && Object.hasOwn(value, 'retryPolicy') && Object.hasOwn(value, 'hedgingPolicy')
      ? `${at} must have retryPolicy or hedgingPolicy, not both`
      : undefined,
)

/** Clients discard a config that names a method twice. */
const namesDiffer: Check = (value, at) => {
  const seen = new Set<string>()
  for (const [i, { name }] of (value as readonly { readonly name: readonly Record<string, string>[] }[]).entries()) {
    for (const { service = '', method = '' } of name) {
      const path = `${service}/${method}`
      if (seen.has(path)) return `${at}[${i}].name repeats ${path}: a method can have one config only`
      seen.add(path)
    }
  }
  return undefined
}

/** Policies of gRPC itself. A client may support others, but must find one that it knows. */
const policies = new Set([
  'pick_first',
  'round_robin',
  'grpclb',
  'weighted_round_robin',
  'weighted_target',
  'weighted_target_experimental',
  'least_request_experimental',
  'ring_hash_experimental',
  'random_subsetting_experimental',
  'outlier_detection',
  'outlier_detection_experimental',
  'priority_experimental',
  'rls',
  'rls_experimental',
  'cds_experimental',
  'eds_experimental',
  'xds_cluster_manager_experimental',
  'xds_cluster_resolver_experimental',
  'xds_cluster_impl_experimental',
  'xds_wrr_locality_experimental',
  'xds_override_host_experimental',
  'xds_experimental',
])

/** gRFC A62. */
const pickFirst = record({ shuffleAddressList: flag })

const policyChoice: Check = (value, at) => {
  if (!isRecord(value)) return `${at} must be an object`
  const names = Object.keys(value)
  if (names.length !== 1) return `${at} must have one policy, such as {"round_robin": {}}`
  const [name] = names as [string]
  if (!isRecord(value[name])) return `${at}.${name} must be an object: {} where it has no settings`
  return name === 'pick_first' ? pickFirst(value[name], `${at}.${name}`) : undefined
}

const loadBalancingConfig = both(list(policyChoice, 1), (value, at) => {
  const names = (value as readonly Record<string, unknown>[]).flatMap((choice) => Object.keys(choice))
  return names.some((name) => policies.has(name))
    ? undefined
    : `${at} must end with a policy of gRPC itself, such as {"round_robin": {}} or {"pick_first": {}}: clients that do not know ${names.join(', ')} fail`
})

export const serviceConfig: Check = record({
  loadBalancingPolicy: text,
  loadBalancingConfig,
  methodConfig: both(list(methodConfig), namesDiffer),
  retryThrottling,
  healthCheckConfig: record({ serviceName: text }),
})

const choice = record(
  {
    clientLanguage: list(text),
    percentage: whole(0, 100, 'a whole number from 0 to 100'),
    clientHostname: list(text),
    serviceConfig,
  },
  { required: ['serviceConfig'], closed: true },
)

/** gRFC A2: which clients get which config. */
export const choiceList: Check = (value, at) =>
  Array.isArray(value) && value.length === 0
    ? `${at} must not be empty: clients without a choice fail`
    : first(value as readonly unknown[], (element, i) => choice(element, `choice ${i + 1}`))
