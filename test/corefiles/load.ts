/** Constant questions over UDP and TCP at addresses that two configurations both serve. */
import { openClient } from '../conformance/client.ts'
import { describe } from '../conformance/compare.ts'
import type { Ask } from '../conformance/queries.ts'
import { until } from '../support/until.ts'
import { textOf } from './replies.ts'

/** What a question at an address may be answered with. */
export interface Expected {
  readonly address: string
  readonly port: number
  readonly asked: Ask
  readonly replies: readonly string[]
}

export interface Load {
  /** Resolves when so many more questions are answered. */
  answered(more: number): Promise<void>
  /** Ends it, once all questions are answered. */
  stop(): Promise<{ readonly asked: number; readonly wrong: readonly string[] }>
}

const atOnce = 4

export async function startLoad(expected: readonly Expected[]): Promise<Load> {
  const places = Map.groupBy(expected, ({ address, port }) => `${address}:${port}`)
  const wrong: string[] = []
  let asked = 0
  let stopped = false
  const clients = await Promise.all([...places.values()].map(([{ address, port }]) => openClient(address, port)))

  async function keepAsking(list: readonly Expected[], client: (typeof clients)[number], from: number): Promise<void> {
    for (let at = from; !stopped; at = (at + 1) % list.length) {
      const one = list[at]!
      const text = textOf(await client.ask(one.asked))
      asked++
      if (!one.replies.includes(text))
        wrong.push(`${one.address}:${one.port} ${describe(one.asked)}: ${text}, not ${one.replies.join(' or ')}`)
    }
  }

  const workers = [...places.values()].flatMap((list, place) =>
    Array.from({ length: atOnce }, (_, worker) =>
      keepAsking(list, clients[place]!, Math.floor((list.length * worker) / atOnce)),
    ),
  )
  return {
    async answered(more) {
      if (expected.length === 0) return
      const goal = asked + more
      await until(() => {
        if (asked < goal) throw new Error(`${asked} of ${goal} questions are answered`)
      })
    },
    async stop() {
      stopped = true
      await Promise.all(workers)
      for (const client of clients) client.close()
      return { asked, wrong }
    },
  }
}
