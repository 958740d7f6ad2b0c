/** Reloads from one Corefile into another while clients ask. */
import { describe } from '../conformance/compare.ts'
import { choose } from './files.ts'
import { type Expected, startLoad } from './load.ts'
import { node } from './places.ts'
import { type Listener, listenersOf, overBoth } from './questions.ts'
import { askAll, keyOf, type Replies } from './replies.ts'
import { answersOf, type Running, start } from './servers.ts'
import type { World } from './world.ts'

/** What is answered under a Corefile. */
export interface Served {
  readonly listeners: ReadonlyMap<string, Listener>
  readonly replies: Replies
}

/** Questions that must be answered before a reload, and after it. */
const margin = 50

export interface Reloaded {
  readonly from: string
  readonly to: string
  /** Milliseconds. */
  readonly took: number
  /** Questions under way during it. */
  readonly asked: number
  /** Those whose answer was that of neither Corefile, and what was answered differently afterwards. */
  readonly wrong: readonly string[]
}

/** By a server that was started with the Corefile. */
export async function servedFromStart(world: World, name: string): Promise<Served> {
  return whole(name, { listeners: listenersOf(choose(name)), replies: await answersOf(world, 'slicedns', name) })
}

/** By one server that reloads them one after the other, with nobody else asking. */
export async function servedOnTour(world: World, names: readonly string[]): Promise<Map<string, Served>> {
  const running = await start(world, 'slicedns', names[0]!)
  const served = new Map<string, Served>()
  for (const name of [...names.slice(1), names[0]!]) {
    const listeners = listenersOf(choose(name))
    running.forget()
    await running.reload()
    served.set(name, whole(name, { listeners, replies: await repliesOf(listeners) }))
  }
  await running.stop()
  return served
}

const repliesOf = (listeners: ReadonlyMap<string, Listener>): Promise<Replies> =>
  askAll(listeners, ({ questions }) => overBoth(questions))

/** Silence is no answer that a later one may be compared with. */
function whole(name: string, served: Served): Served {
  for (const [key, text] of served.replies) if (text === 'no reply') throw new Error(`${name}: ${key}: ${text}`)
  return served
}

/** Reloads through the Corefiles in this order, with one server. */
export async function* reloadThrough(
  world: World,
  tour: readonly string[],
  served: ReadonlyMap<string, Served>,
): AsyncGenerator<Reloaded> {
  const running = await start(world, 'slicedns', tour[0]!)
  for (const [at, to] of tour.slice(1).entries()) yield await reload(running, tour[at]!, to, served)
  await running.stop()
}

async function reload(
  running: Running,
  from: string,
  to: string,
  served: ReadonlyMap<string, Served>,
): Promise<Reloaded> {
  const after = served.get(to)!
  choose(to)
  running.forget()
  const load = await startLoad(expectedBetween(served.get(from)!, after))
  await load.answered(margin)
  const begin = performance.now()
  await running.reload()
  const took = Math.round(performance.now() - begin)
  await load.answered(margin)
  const { asked, wrong } = await load.stop()
  const differs = [...(await repliesOf(after.listeners))]
    .filter(([key, text]) => text !== after.replies.get(key))
    .map(([key, text]) => `after the reload ${key}: ${text}, not ${after.replies.get(key)}`)
  return { from, to, took, asked, wrong: [...wrong, ...differs] }
}

/** The questions at addresses that both serve. */
function expectedBetween(from: Served, to: Served): Expected[] {
  return [...new Map([...from.listeners, ...to.listeners]).values()].flatMap(({ address, port }) => {
    const before = listenerAt(from, address, port)
    const after = listenerAt(to, address, port)
    if (!before || !after) return []
    const asks = new Map([...before.questions, ...after.questions].map((asked) => [describe(asked), asked]))
    return overBoth([...asks.values()]).flatMap((asked) => {
      const old = from.replies.get(keyOf(before.id, asked))
      const next = to.replies.get(keyOf(after.id, asked))
      return old === undefined || next === undefined ? [] : [{ address, port, asked, replies: [old, next] }]
    })
  })
}

/** The listener that answers at an address: its own, or that of all addresses. */
function listenerAt({ listeners }: Served, address: string, port: number): (Listener & { id: string }) | undefined {
  for (const id of [`${address}:${port}`, `${node}:${port}`]) {
    const listener = listeners.get(id)
    if (listener) return { ...listener, id }
  }
  return undefined
}
