/** Asks both servers the same questions and keeps what differs. */
import type { Client } from './client.ts'
import { describe, difference } from './compare.ts'
import { cutReason } from './cuts.ts'
import { isUnwritable } from './excuses.ts'
import type { Manner, Pair } from './pair.ts'
import type { Ask } from './queries.ts'

const parallel = 32
/**
 * CoreDNS keeps a service's slices in a Go map: of several possible first slices (a CNAME question looks at the first
 * one only, and which records of a truncated reply fit depends on all) each may come. The order is that of their
 * creation, begun anywhere: each of four beginnings comes at least once in eight times.
 */
const usual: Manner = { inOrder: false, silent: false, tries: 200 }
/** Each silence lasts seconds. */
const patience = 2

export interface Difference {
  readonly asked: Ask
  readonly text: string
  /** What CoreDNS said, and what slicedns did. */
  readonly wanted: Uint8Array | undefined
  readonly got: Uint8Array | undefined
}

export interface Result {
  /** Questions that are not the same in any respect. */
  readonly distinct: number
  /** Answers of CoreDNS that slicedns gave too. */
  readonly agreed: { readonly asked: Ask; readonly wanted: Uint8Array | undefined }[]
  /** Questions that CoreDNS itself answers this way and that. */
  readonly eitherWay: Ask[]
  readonly excused: Map<string, number>
  readonly failed: Difference[]
}

export type Askable = Pick<Pair, 'theirs' | 'ours' | 'zone' | 'corefile' | 'excuse' | 'manner'>

export async function askBoth(asks: readonly Ask[], pair: Askable): Promise<Result> {
  const { theirs, ours, corefile, zone, manner = usual } = pair
  const result: Result = {
    distinct: new Set(asks.map(describe)).size,
    agreed: [],
    eitherWay: [],
    excused: new Map(),
    failed: [],
  }
  const compareOne = async (asked: Ask): Promise<void> => {
    const [wanted, got] = await Promise.all([theirs, ours].map(({ client }) => answered(client, asked, manner)))
    const text = difference(asked, wanted, got)
    if (text === undefined) {
      result.agreed.push({ asked, wanted })
      return
    }
    const reason = pair.excuse(asked, wanted, got) ?? (await cutReason(asked, wanted, got, pair))
    if (reason !== undefined) result.excused.set(reason, (result.excused.get(reason) ?? 0) + 1)
    else if (wanted && (await alsoAnswers(theirs.client, asked, got, pair))) result.eitherWay.push(asked)
    else result.failed.push({ asked, text, wanted, got })
  }
  if (manner.inOrder) {
    for (const asked of asks) await compareOne(asked)
    return result
  }
  // Answers of other zones (a reverse zone may fall through to one) are kept by `cache`, and show who asked before: these
  // questions come in one order, and before the cluster's names fill CoreDNS's cache.
  const hasCache = /^ *cache /m.test(corefile)
  const isForwarded = (asked: Ask) => hasCache && !asked.name.toLowerCase().endsWith(zone) && !isUnwritable(asked)
  for (const asked of asks.filter(isForwarded)) await compareOne(asked)
  await eachInParallel(
    asks.filter((asked) => !isForwarded(asked)),
    compareOne,
  )
  return result
}

/** A datagram may be lost where two servers and an API server share two cores: silence counts when it is repeated. */
async function answered(client: Client, asked: Ask, { silent }: Manner): Promise<Uint8Array | undefined> {
  return (await client.ask(asked)) ?? (silent ? undefined : await client.ask(asked))
}

/** Whether `got` is among the answers of a server that has several, or differs from one of them as documented. */
export async function alsoAnswers(
  theirs: Client,
  asked: Ask,
  got: Uint8Array | undefined,
  { excuse, manner: { tries } = usual }: Pick<Pair, 'excuse' | 'manner'>,
): Promise<boolean> {
  let silences = 0
  for (let attempt = 0; attempt < tries && silences < patience; attempt++) {
    const reply = await theirs.ask(asked)
    if (difference(asked, reply, got) === undefined || excuse(asked, reply, got) !== undefined) return true
    if (!reply) silences++
  }
  return false
}

export async function eachInParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < items.length) await work(items[next++]!)
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}
