/** A table and a responder on one thread, and questions to them. */
import assert from 'node:assert/strict'
import { DROP, MISS, type ResponderOptions, type TransportCode, transportCode } from '../../src/answer/api.ts'
import { createResponder, LOCAL, missText } from '../../src/answer/index.ts'
import type { Edns, Message } from '../../src/dns/message.ts'
import { nameToWire } from '../../src/dns/name.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import type { AnswerProfile } from '../../src/table/api.ts'
import { createTable } from '../../src/table/index.ts'
import type { TableOptions } from '../../src/table/writer.ts'
import { zoneSpec } from '../table/arbitraries.ts'

export const profile: AnswerProfile = {
  server: 'dns://:53',
  zone: '.',
  view: '',
  plugin: 'kubernetes',
  shuffle: false,
  maxPayload: 0,
}

export interface Asked {
  readonly edns?: Edns | undefined
  readonly by?: TransportCode
  readonly recursionDesired?: boolean
  readonly checkingDisabled?: boolean
  readonly authenticData?: boolean
  readonly now?: number
}

export type Outcome = Message | 'drop' | `miss: ${string}`

export function ednsOf(change: Partial<Edns> = {}): Edns {
  return { version: 0, payloadSize: 1232, dnssecOk: false, extendedRcode: 0, options: [], ...change }
}

export function questionMessage(name: string, type: number, asked: Asked = {}): Message {
  return {
    id: 0xbeef,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: asked.recursionDesired ?? true,
    recursionAvailable: false,
    reserved: false,
    authenticData: asked.authenticData ?? false,
    checkingDisabled: asked.checkingDisabled ?? false,
    rcode: 0,
    questions: [{ name, type, class: 1 }],
    answer: [],
    authority: [],
    additional: [],
    edns: asked.edns,
  }
}

export function createResponderHarness(
  change: Partial<AnswerProfile> = {},
  options: ResponderOptions = {},
  tableOptions: TableOptions = {},
) {
  const table = createTable({ reserveBytes: 16 * 2 ** 20, counterBytes: 2 ** 17, ...tableOptions })
  const space = table.createSpace()
  const profileId = table.defineProfile(space, { ...profile, ...change })
  table.zone(space, zoneSpec())
  const responder = createResponder(table.handle, LOCAL, options)
  const reply = new Uint8Array(70_000)

  /** The reply's octets, DROP or MISS. */
  function answer(
    request: Uint8Array,
    by: TransportCode = transportCode.udp4,
    now = 0,
  ): Uint8Array | typeof DROP | typeof MISS {
    responder.startBatch(now)
    const length = responder.answer(request, 0, request.length, space, by, reply, 100)
    responder.offline()
    return length > 0 ? reply.slice(100, 100 + length) : (length as typeof DROP | typeof MISS)
  }

  function ask(name: string, type: number, asked: Asked = {}): Outcome {
    const octets = answer(encodeMessage(questionMessage(name, type, asked), { limit: 65_535 }), asked.by, asked.now)
    if (octets === DROP) return 'drop'
    if (octets === MISS) return `miss: ${missText(responder)}`
    return parseMessage(octets)
  }

  return { table, space, profileId, responder, answer, ask }
}

export function replyOf(outcome: Outcome): Message {
  assert.ok(typeof outcome === 'object', `a reply was expected, not ${outcome}`)
  return outcome
}

/** The name in a case drawn from the bits of `salt`: clients may write it as they like (0x20). */
export function inMixedCase(name: string, salt: number): string {
  return [...name].map((letter, i) => ((salt >>> (i % 31)) & 1 ? letter.toUpperCase() : letter)).join('')
}

export const wireLength = (name: string): number => nameToWire(name).length
