/** Concurrent identical questions share one exchange. */
import { opcode, type } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import type { UpstreamTransport } from '../../upstream/connection.ts'

/**
 * The key by which questions share an answer; undefined for those that are sent alone (EDNS options, signatures,
 * updates). `name` is the query name in lower case.
 */
export function sharingKey(request: Message, name: string, transport: UpstreamTransport): string | undefined {
  const { edns } = request
  const plain = request.opcode === opcode.QUERY && request.questions.length === 1 && request.additional.length === 0
  if (!plain || (edns && (edns.options.length > 0 || edns.version !== 0))) return undefined
  const [question] = request.questions
  // `loop` counts how often its HINFO query comes back: sharing would let a loop wait for itself.
  if (question.type === type.HINFO) return undefined
  const flags =
    (request.recursionDesired ? 1 : 0) |
    (request.checkingDisabled ? 2 : 0) |
    (request.authenticData ? 4 : 0) |
    (edns?.dnssecOk ? 8 : 0)
  // Without EDNS a reply has at most 512 octets over UDP, and no OPT.
  return `${name} ${question.type} ${question.class} ${flags} ${transport}${edns ? ' edns' : ''}`
}

/** The key by which questions fail together: EDNS options (cookies, say) make no difference. */
export function failureKey(request: Message, name: string, transport: UpstreamTransport): string | undefined {
  const { edns } = request
  return sharingKey(edns ? { ...request, edns: { ...edns, options: [] } } : request, name, transport)
}

/**
 * The UDP payload size sent to upstreams, which passes every path unfragmented (RFC 9715 §3.1). The reply is cut to the
 * client's size later, so that clients with different sizes share an exchange.
 */
const upstreamPayload = 1232

/** EDNS padding (RFC 7830). It hides sizes on an encrypted hop and costs memory and bandwidth on every other. */
const paddingOption = 12

/** The request for an upstream. An OPT record belongs to one hop (RFC 6891 §6.1.1): its size is ours. */
export function upstreamRequest(request: Message): Message {
  const { edns } = request
  if (!edns) return request
  const options = edns.options.filter(({ code }) => code !== paddingOption)
  return { ...request, edns: { ...edns, payloadSize: upstreamPayload, options } }
}

/** The answer for a client: with its ID and its case of the query name, in owner names as well. */
export function answerFor(request: Message, answer: Message): Message {
  const [question] = request.questions
  const spelled = answer.questions[0]?.name
  const relabel = (records: Message['answer']): Message['answer'] =>
    spelled === undefined || spelled === question.name
      ? records
      : records.map((record) => (record.name === spelled ? { ...record, name: question.name } : record))
  return {
    ...answer,
    id: request.id,
    questions: request.questions,
    answer: relabel(answer.answer),
    authority: relabel(answer.authority),
    additional: relabel(answer.additional),
    // RFC 6891 §7: a client without EDNS gets none, whatever the server sent.
    edns: request.edns ? answer.edns : undefined,
  }
}
