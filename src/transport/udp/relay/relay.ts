/**
 * A thread's relay: passes questions to upstreams, and their answers to clients. Ordinary exchanges never leave the thread;
 * others (late, truncated, refused, an answer that the data plane does not support) go to the plugin chain together with
 * what has been tried. It allocates nothing per packet.
 */
import type { RelayResponder } from '../../../answer/relay.ts'
import type { RelayTable } from '../../../plugin/capabilities/relay.ts'
import { createAsking } from './asking.ts'
import type { ClientQuery } from './client-query.ts'
import { type ClientRepliesOptions, createClientReplies } from './client-replies.ts'
import { createExchanges, relaySlots } from './exchanges.ts'
import { createGivingUp, type GivingUp } from './giving-up.ts'
import { createHandOver, type HandOverOptions } from './hand-over.ts'
import { CHAIN, NONE, type Question } from './in-flight.ts'
import { copyOctets } from './octets.ts'
import { createPlans } from './plans.ts'
import { answersAtOnce, createReceiving, type Receive, type ReceivingOptions } from './receiving.ts'
import { slotAt } from './slots.ts'
import { createUpstreamStates, type UpstreamStatesOptions } from './upstreams.ts'

export interface RelayOptions
  extends UpstreamStatesOptions,
    Pick<ClientRepliesOptions, 'batch' | 'socketOf' | 'wake'>,
    Pick<HandOverOptions, 'misses' | 'copies' | 'publish' | 'floods'> {
  readonly responder: RelayResponder
  /** The table's memory, which holds the secrets of the name hash. */
  readonly words: Int32Array
  readonly counts: RelayCountsOfThread
}

type RepliesCounts = ClientRepliesOptions['counts']
type HandOverCounts = HandOverOptions['counts']
type ReceivingCounts = ReceivingOptions['counts']

/** Each function counts one event. */
export interface RelayCountsOfThread extends RepliesCounts, HandOverCounts, ReceivingCounts {
  readonly shared: () => void
  /** No slot, or no place at an exchange, was free. */
  readonly full: () => void
}

export interface Relay extends Pick<GivingUp, 'expire' | 'nextDeadline' | 'isUnderWay' | 'leave' | 'close'> {
  /** Relays a query for which the table has no answer. False: it must go to the chain. */
  take(query: ClientQuery): boolean
  readonly receive: Receive
  setTable(space: number, table: RelayTable | undefined): void
}

/** Reads enough for an answer to every query that can be in progress. */
const looksForAll = relaySlots / answersAtOnce

export function createRelay(options: RelayOptions): Relay {
  const { native, epoll, responder, batch, counts } = options
  const states = createUpstreamStates(options)
  const plans = createPlans(states, options.words, options.thread)
  const exchanges = createExchanges(states)
  const { slots } = exchanges
  const replies = createClientReplies({ ...options, slots })
  const handOver = createHandOver({ ...options, slots, states, refuse: replies.refuse })
  const givingUp = createGivingUp({ exchanges, states, replies, handOver })
  const ask = createAsking({ native, exchanges, states, responder })
  const receive = createReceiving({ native, epoll, batch, exchanges, states, replies, handOver, givingUp, counts })
  const asked: Question = { space: 0, type: 0, flags: 0, isAlone: false, bytes: slots.bytes, at: 0, length: 0 }

  /** -1: every one has a query that nobody else has. */
  function takeSlot(): number {
    const slot = slots.take()
    return slot < 0 && givingUp.makeRoom() ? slots.take() : slot
  }

  function keep(slot: number, hash: number, query: ClientQuery): void {
    const to = slots.at(slot)
    copyOctets(query.bytes, query.nameAt, slots.bytes, to + slotAt.name, 32)
    if (query.controlLength > 0) copyOctets(query.bytes, query.controlAt, slots.bytes, to + slotAt.control, 40)
    const length = responder.requestOctets()
    copyOctets(query.bytes, query.start, slots.bytes, to + slotAt.request, length)
    slots.requestLength[slot] = length
    slots.questionLength[slot] = asked.length
    slots.controlLength[slot] = query.controlLength
    slots.listener[slot] = query.socket
    slots.hash[slot] = hash
    slots.type[slot] = asked.type
    slots.flags[slot] = asked.flags
    slots.isAlone[slot] = asked.isAlone ? 1 : 0
    slots.space[slot] = query.space
    slots.receivedAt[slot] = query.receivedAt
  }

  return {
    take(query) {
      const plan = plans.of(query.space)
      if (plan === undefined || !responder.read(query.bytes, query.start, query.end)) return false
      const { key } = responder
      asked.type = responder.type()
      const route = plan.routes.find(key, asked.type)
      if (route < 0 || (query.hasExpired && !plan.list[route].takesExpired)) return false
      asked.space = query.space
      asked.flags = responder.flags()
      asked.isAlone = responder.hasOptions()
      asked.bytes = query.bytes
      asked.at = query.start
      asked.length = responder.questionOctets()
      const hash = key.hashes[0] ^ Math.imul(asked.type, 0x9e3779b1)
      const other = exchanges.find(key, hash, asked)
      if (other === CHAIN || handOver.isRecent(hash, query.receivedAt)) return false
      const slot = takeSlot()
      if (slot < 0) {
        counts.full()
        return false
      }
      keep(slot, hash, query)
      if (other === NONE ? ask(slot, plan.list[route], query.receivedAt) : exchanges.share(slot, other)) {
        if (other !== NONE) counts.shared()
        return true
      }
      if (other !== NONE) counts.full()
      slots.free(slot)
      return false
    },
    receive,
    setTable: (space, table) => plans.set(space, table, givingUp.drop),
    expire(now) {
      // A thread that was not running finds overdue exchanges and received answers at the same time: answers come first.
      if (givingUp.nextDeadline(now) === 0) for (let looks = 0; looks < looksForAll && receive(now); looks++);
      givingUp.expire(now)
    },
    nextDeadline: givingUp.nextDeadline,
    isUnderWay: givingUp.isUnderWay,
    leave: givingUp.leave,
    close: givingUp.close,
  }
}
