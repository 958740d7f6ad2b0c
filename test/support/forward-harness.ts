/** `forward` in front of scripted servers. */
import type { TestContext } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import { recordText } from '../../src/dns/rdata.ts'
import type { Instance } from '../../src/plugin/contract.ts'
import type { Outcome } from '../../src/plugin/query.ts'
import { forward } from '../../src/plugins/forward/index.ts'
import type { ProcessLimits } from '../../src/process-limits/index.ts'
import {
  type Asked,
  ask,
  createPluginHarness,
  failing,
  handle,
  messageOf,
  type PluginHarness,
  setUp,
} from './plugin-harness.ts'
import { type Script, type ScriptedUpstream, startUpstream } from './upstream.ts'

export interface ForwardHarness {
  readonly plugin: PluginHarness
  readonly instance: Instance
  readonly servers: readonly ScriptedUpstream[]
  ask(question: string, asked?: Asked): Promise<Outcome>
  /** Lets time pass in small steps, real sockets having their turn at each, until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<{ readonly value: T; readonly milliseconds: number }>
}

/** `forward . SERVERS` with a body, in front of servers that follow these scripts. */
export async function createForwardHarness(
  t: TestContext,
  scripts: readonly Script[],
  body = 'policy sequential',
  limits: Partial<ProcessLimits> = {},
): Promise<ForwardHarness> {
  const servers = await Promise.all(scripts.map((script) => startUpstream(script)))
  const plugin = createPluginHarness(limits)
  const instance = setUp(forward, `forward . ${servers.map(({ to }) => to).join(' ')} {\n${body}\n}`, plugin)
  await instance.start?.()
  async function settle<T>(promise: Promise<T>): Promise<{ value: T; milliseconds: number }> {
    const startedAt = plugin.clock.now()
    let over = false
    const end = (): void => {
      over = true
    }
    promise.then(end, end)
    while (!over) {
      // A turn of the event loop for the sockets, then 10 ms of the clock.
      for (let turn = 0; turn < 5 && !over; turn++) await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setTimeout(resolve, 1))
      if (!over) plugin.clock.advance(10)
    }
    return { value: await promise, milliseconds: plugin.clock.now() - startedAt }
  }

  t.after(async () => {
    // It waits by the clock for questions that are under way.
    await settle(Promise.resolve(instance.stop?.()))
    for (const server of servers) await server.close()
  })
  return {
    plugin,
    instance,
    servers,
    ask: async (question, asked) =>
      handle(instance, ask(question, { receivedAt: plugin.clock.now(), ...asked }), failing(rcode.NOTIMP)),
    settle,
  }
}

export const errorOf = (outcome: Outcome): string => (outcome.kind === 'drop' ? '' : (outcome.error?.message ?? ''))
export const rcodeOf = (outcome: Outcome): number =>
  outcome.kind === 'reply' ? outcome.message.rcode : outcome.kind === 'rcode' ? outcome.rcode : -1
export const answersOf = (outcome: Outcome): string[] => messageOf(outcome).answer.map(recordText)

/** A server that has nothing but an rcode to say. */
export const saying =
  (code: number): Script =>
  ({ reply }) =>
    reply({ rcode: code })
