/** The replies of a server under one Corefile, in a form in which two servers' replies can be compared. */

import { openClient } from '../conformance/client.ts'
import { canonical, describe } from '../conformance/compare.ts'
import type { Ask } from '../conformance/queries.ts'
import type { Listener } from './questions.ts'

/** By listener, protocol and question. */
export type Replies = Map<string, string>

export const keyOf = (listener: string, asked: Ask): string => `${listener} ${describe(asked)}`

/** Without TTLs, which age, the order of records, which loadbalance draws, and the client's port, which whoami tells. */
export function textOf(reply: Uint8Array | undefined): string {
  const lines = canonical(reply).map((line) => line.replace(/^((?:answer|authority|additional) \S+) \d+ /, '$1 '))
  return lines
    .map((line) => line.replace(/( IN SRV 0 0) \d+ \.$/, '$1 PORT .'))
    .sort()
    .join('\n')
}

/** Questions under way at a time. */
const atOnce = 8

export async function askAll(
  listeners: ReadonlyMap<string, Listener>,
  questionsOf: (listener: Listener) => readonly Ask[],
): Promise<Replies> {
  const replies: Replies = new Map()
  for (const [id, listener] of listeners) {
    const client = await openClient(listener.address, listener.port)
    const asks = questionsOf(listener)
    const left = [...asks]
    const askOn = async (): Promise<void> => {
      for (let asked = left.pop(); asked; asked = left.pop())
        replies.set(keyOf(id, asked), textOf((await client.ask(asked)) ?? (await client.ask(asked))))
    }
    await Promise.all(Array.from({ length: atOnce }, askOn))
    client.close()
  }
  return replies
}
