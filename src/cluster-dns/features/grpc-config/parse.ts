/**
 * `slicedns.io/grpc-config`: a gRPC service config for the clients of a service (gRFC A2). One mistake in it makes
 * clients discard it, and some fail every call then: what they would not read is refused here.
 */
import { rdata } from '../../../dns/rdata.ts'
import { errorMessage } from '../../../telemetry/error-text.ts'
import { type Parsed, parsed, problem } from '../../annotations/parsed.ts'
import { maxTxtOctets, partsOf } from '../metadata/parse.ts'
import { choiceList, isRecord, serviceConfig } from './schema.ts'

/** gRFC A2: the languages' spelling does not matter, but grpc-go and grpc-js compare it letter by letter. */
const languages: Readonly<Record<string, string>> = { go: 'GO', node: 'node' }

/** The rdata of its TXT record: `grpc_config=[…]`. */
export function parseGrpcConfig(text: string): Parsed<Uint8Array> {
  if (text.length > maxTxtOctets) return tooLong(text.length)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return problem('syntax', `it must be JSON: ${errorMessage(error)}`)
  }
  if (isRecord(value) && Object.hasOwn(value, 'serviceConfig')) {
    return problem('syntax', 'a choice stands in a list: write [{"serviceConfig": …}]')
  }
  const wrong = Array.isArray(value) ? choiceList(value, 'the list') : serviceConfig(value, '')
  if (wrong !== undefined) return problem('refused', wrong)
  return encode(Array.isArray(value) ? withoutGaps(value) : [{ serviceConfig: value }])
}

type Choice = Readonly<Record<string, unknown>>

/**
 * The choices as every client understands them: an empty criterion is none (gRFC A2; clients take it for one that
 * nobody meets), and a client that no other choice is for finds an empty config: grpc-go fails its calls without any.
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
    return problem('refused', `no client reads it: ${errorMessage(error)}`)
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
    `it takes ${size} octets: TXT records have room for ${maxTxtOctets}, so that they fit one DNS message`,
  )
