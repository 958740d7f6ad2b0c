/** What expressions of `view` and `template` can ask of a query. */
import { parseIp, parseNetwork } from '../corefile/address.ts'
import { suggestion } from '../corefile/nearest.ts'
import { fail } from '../corefile/read.ts'
import type { Token } from '../corefile/schema.ts'
import { inPrefix } from '../dns/address.ts'
import { className, typeName } from '../dns/codes.ts'
import {
  compileExpression,
  type Environment,
  EvaluationError,
  type Expression,
  ExpressionError,
  type FunctionSpec,
  type Type,
  type Value,
} from '../expression/index.ts'
import { protocolOf, type Query } from './query.ts'
import { payloadLimit } from './query-format.ts'
import { messageOctets } from './size.ts'

/** What an expression is evaluated for. */
export interface QueryContext {
  readonly query: Query
}

const fact = (result: Type, read: (query: Query) => Value): FunctionSpec<QueryContext> => ({
  args: [],
  result,
  call: ({ query }) => read(query),
})

/** The functions by CoreDNS's names. Ports are text there. */
export const queryFunctions: Readonly<Record<string, FunctionSpec<QueryContext>>> = {
  type: fact('string', ({ qtype }) => typeName(qtype)),
  name: fact('string', ({ name }) => name),
  class: fact('string', ({ qclass }) => className(qclass)),
  proto: fact('string', ({ transport }) => protocolOf(transport)),
  size: fact('int', ({ request }) => messageOctets(request)),
  client_ip: fact('string', ({ client }) => client.address),
  port: fact('string', ({ client }) => String(client.port)),
  id: fact('int', ({ request }) => request.id),
  opcode: fact('int', ({ request }) => request.opcode),
  do: fact('bool', ({ request }) => request.edns?.dnssecOk ?? false),
  bufsize: fact('int', ({ request, transport }) => payloadLimit(protocolOf(transport), request.edns?.payloadSize)),
  server_ip: fact('string', ({ local }) => local.address),
  server_port: fact('string', ({ local }) => String(local.port)),
  metadata: {
    args: ['string'],
    result: 'string',
    call: ({ query }, [label]) => query.metadata?.(String(label)) ?? '',
  },
  incidr: {
    args: ['string', 'string'],
    result: 'bool',
    call: (_, [address, network]) => isInside(String(address), String(network)),
  },
}

function isInside(address: string, network: string): boolean {
  const octets = parseIp(address)
  if (!octets) throw new EvaluationError(`incidr: '${address}' is not an IP address`)
  const prefix = parseNetwork(network)
  if (!prefix) throw new EvaluationError(`incidr: '${network}' is not a network`)
  return inPrefix({ address: prefix.bytes, bits: prefix.length }, octets)
}

/** Compiles the words of an option, joined by blanks. Throws ConfigError at the word that has the offending part. */
export function readExpression<Context>(
  words: readonly Token[],
  environment: Environment<Context>,
): Expression<Context> {
  try {
    return compileExpression(words.map(({ text }) => text).join(' '), environment)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    const { token, offset } = placeOf(words, error.offset)
    const quote = token.quoted ? 1 : 0
    const hint = error.unknown ? suggestion(error.unknown.word, error.unknown.known) : ''
    throw fail(`could not compile expression: ${error.message}${hint}`, {
      ...token,
      at: { ...token.at, column: token.at.column + quote + offset },
    })
  }
}

/** The word in which the character at `offset` of the joined text stands. */
function placeOf(words: readonly Token[], offset: number): { token: Token; offset: number } {
  let left = offset
  for (const token of words) {
    if (left <= token.text.length) return { token, offset: left }
    left -= token.text.length + 1
  }
  return { token: words.at(-1)!, offset: words.at(-1)!.text.length }
}
