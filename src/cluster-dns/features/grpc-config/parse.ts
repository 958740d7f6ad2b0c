/**
 * `slicedns.io/grpc-config`: a gRPC service config for the clients of a service (gRFC A2). A client discards a config
 * with a mistake in it, and some clients then fail every call: such a config is refused here.
 */
import { rdata } from '../../../dns/rdata.ts'
import { errorMessage } from '../../../telemetry/error-text.ts'
import { type NamedAnnotation, type Parsed, parsed, problem } from '../../annotations/annotation.ts'
import { maxTxtOctets, partsOf } from '../../records/txt.ts'
import { choiceList, isRecord, serviceConfig } from './schema.ts'

/** gRFC A2: the case of a language does not matter, but grpc-go and grpc-js compare it letter by letter. */
const languages: Readonly<Record<string, string>> = { go: 'GO', node: 'node' }

/** The value is the rdata of its TXT record: `grpc_config=[…]`. */
export const grpcConfigAnnotation: NamedAnnotation<Uint8Array> = {
  key: 'grpc-config',
  on: ['Service'],
  parse: parseGrpcConfig,
}

function parseGrpcConfig(text: string): Parsed<Uint8Array> {
  if (text.length > maxTxtOctets) return tooLong(text.length)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return problem('syntax', `must be JSON: ${errorMessage(error)}`)
  }
  if (isRecord(value) && Object.hasOwn(value, 'serviceConfig')) {
    return problem('syntax', 'a choice must be in a list: [{"serviceConfig": …}]')
  }
  const wrong = Array.isArray(value) ? choiceList(value, 'the list') : serviceConfig(value, '')
  if (wrong !== undefined) return problem('refused', wrong)
  return encode(Array.isArray(value) ? withoutGaps(value) : [{ serviceConfig: value }])
}

type Choice = Readonly<Record<string, unknown>>

/**
 * The choices as every client understands them. An empty criterion is left out: by gRFC A2 it excludes no client, but
 * clients treat it as one that no client meets. A last choice applies to all: without any, grpc-go fails its calls.
 */
function withoutGaps(choices: readonly Choice[]): Choice[] {
  const all = choices.map(({ clientLanguage, clientHostname, ...others }) => ({
    ...(isFilled(clientLanguage) && {
      clientLanguage: clientLanguage.map((word) => languages[word.toLowerCase()] ?? word),
    }),
    ...(isFilled(clientHostname) && { clientHostname }),
    ...others,
  }))
  const isForAll = (choice: Choice): boolean => Object.keys(choice).every((key) => key === 'serviceConfig')
  return all.some(isForAll) ? all : [...all, { serviceConfig: {} }]
}

const isFilled = (value: unknown): value is readonly string[] => Array.isArray(value) && value.length > 0

function encode(choices: readonly Choice[]): Parsed<Uint8Array> {
  let json: string
  try {
    json = JSON.stringify(choices, (_, value) => {
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
        throw new RangeError('a number is too large')
      return value
    })
  } catch (error) {
    // Only what is nested thousands of levels deep, or 1e999, comes here.
    return problem('refused', `no client can read it: ${errorMessage(error)}`)
  }
  // gRFC A2: the record is ASCII.
  const ascii = json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const octets = Buffer.from(`grpc_config=${ascii}`, 'latin1')
  const strings = partsOf(octets)
  const size = octets.length + strings.length + 12
  return size > maxTxtOctets ? tooLong(size) : parsed(rdata.txt(strings))
}

const tooLong = (size: number): Parsed<never> =>
  problem(
    'range',
    `takes ${size} octets; the TXT records of a Service may take ${maxTxtOctets}, so that they fit one DNS message`,
  )
