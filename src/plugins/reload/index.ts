import { argCount, duration, value, where } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { createWatcher, type Pace } from './watcher.ts'

const second = 1_000
/** Milliseconds. */
const defaults: Pace = { interval: 30 * second, jitter: 15 * second }

const interval = duration({ min: 2 * second })
const jitter = where(duration(), '0 or a duration of at least 1s', (length) => length === 0 || length >= second)

const schema: DirectiveSchema<Pace> = {
  usage: 'reload [INTERVAL] [JITTER]',
  repeat: 'many',
  // Only the first occurrence counts; others, and any body, are ignored, as in CoreDNS.
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 2)
    const [first, last] = directive.args
    const pace = {
      interval: first ? value(interval, first, 'reload') : defaults.interval,
      jitter: last ? value(jitter, last, 'reload') : defaults.jitter,
    }
    return { ...pace, jitter: Math.min(pace.jitter, pace.interval / 2) }
  },
}

/** Reloads the Corefile when it changes. The process has one watcher, however many blocks name it. */
export const reload: Plugin<Pace> = {
  name: 'reload',
  schema,
  setup(pace, { process, metrics, clock, log }) {
    let held: { readonly value: ReturnType<typeof createWatcher>['value']; release(): void } | undefined
    return {
      start() {
        held = process.acquire('reload', () => createWatcher(process, metrics, clock, log))
        held.value.setPace(pace)
      },
      serving: () => held?.value.running(),
      stop() {
        held?.release()
      },
    }
  },
}
