/** Whether a message from an upstream answers a slot's question. */
import { type Slots, slotAt } from './slots.ts'

/** RFC 5452 §9.1: the same question. An error response may lack it: servers without EDNS support send such. */
export function answersQuestion(slots: Slots, slot: number, bytes: Uint8Array, at: number, length: number): boolean {
  if ((bytes[at + 2] & 0x80) === 0) return false
  const questions = (bytes[at + 4] << 8) | bytes[at + 5]
  if (questions === 0) return (bytes[at + 3] & 15) !== 0
  const octets = slots.questionLength[slot]
  if (questions !== 1 || length < octets) return false
  const from = slots.at(slot) + slotAt.request
  for (let i = 12; i < octets; i++) if (folded(slots.bytes[from + i]) !== folded(bytes[at + i])) return false
  return true
}

/** A complete answer of an ordinary kind, in the question's own case. */
export function isPlain(slots: Slots, slot: number, bytes: Uint8Array, at: number): boolean {
  const code = bytes[at + 3] & 15
  if ((bytes[at + 2] & 0xfa) !== 0x80 || (code !== 0 && code !== 3) || bytes[at + 5] !== 1) return false
  const from = slots.at(slot) + slotAt.request
  for (let i = 12; i < slots.questionLength[slot]; i++) if (slots.bytes[from + i] !== bytes[at + i]) return false
  return true
}

const folded = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet)
