/** The deliberate differences of docs/differences.md, as rules: everything else that differs is a bug. */
import type { Message } from '../../src/dns/message.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import type { Ask } from './queries.ts'

interface Excuse {
  readonly reason: string
  holds(asked: Ask, theirs: Message, ours: Message, configuration: string): boolean
}

const excuses: readonly Excuse[] = []

/** Why this difference is meant, or undefined. */
export function excuse(
  asked: Ask,
  theirs: Uint8Array | undefined,
  ours: Uint8Array | undefined,
  configuration: string,
): string | undefined {
  if (!theirs || !ours) return undefined
  const [wanted, got] = [parseMessage(theirs), parseMessage(ours)]
  return excuses.find((candidate) => candidate.holds(asked, wanted, got, configuration))?.reason
}
