/** A bystander: asks the server a few things every 50 ms while it is attacked, and says how long each took. */
import { Worker } from 'node:worker_threads'
import { type Judgement, type JudgeSettings, type Kind, kinds, type Look } from './look.ts'

export interface Judge {
  /** The attack is over. Resolves when all is normal again, or must have been; the last look has its answer then, or is lost. */
  over(): Promise<Judgement>
}

export function startJudge(settings: JudgeSettings): Judge {
  const thread = new Worker(new URL('./judge-thread.ts', import.meta.url), { workerData: settings })
  const judgement = new Promise<Judgement>((resolve, reject) => {
    thread.on('message', resolve)
    thread.on('error', reject)
  })
  return {
    over() {
      thread.postMessage('over')
      return judgement
    },
  }
}

export interface Seen {
  readonly looks: number
  readonly lost: number
  /** Milliseconds of the slowest answer; Infinity when a look was lost. */
  readonly worst: number
}

/** By kind, of the looks that began in this time. */
export function seen(looks: readonly Look[], from: number, to: number): Readonly<Record<Kind, Seen>> {
  const entries = kinds.map((kind): [Kind, Seen] => {
    const own = looks.filter((look) => look.kind === kind && look.at >= from && look.at < to)
    const lost = own.filter(({ ms }) => ms === undefined).length
    return [
      kind,
      { looks: own.length, lost, worst: Math.max(0, ...own.map(({ ms }) => ms ?? Number.POSITIVE_INFINITY)) },
    ]
  })
  return Object.fromEntries(entries) as Record<Kind, Seen>
}
