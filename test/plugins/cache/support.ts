/** A cache in front of a next plugin that says what the test wants. */
import assert from 'node:assert/strict'
import { rcode } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { provide } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Next, Outcome, Query } from '../../../src/plugin/query.ts'
import { dynamicZones } from '../../../src/plugins/cache/capability.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import { type Asked, ask, createPluginHarness, handle, messageOf, setUp } from '../../support/plugin-harness.ts'

export const soa = 'example.org. 60 IN SOA ns.example.org. admin.example.org. 1 2 3 4 5'
export const www = 'www.example.org. 120 IN A 192.0.2.1'
export const seconds = 1000

export interface Said {
  readonly rcode?: keyof typeof rcode
  readonly answer?: readonly string[]
  readonly authority?: readonly string[]
  readonly additional?: readonly string[]
  readonly with?: Partial<Message>
  readonly plugin?: string
}

/** Plugins that answer from live data, in no zone of the questions here. */
const live: Instance = {
  provides: [provide(dynamicZones, { zones: [], handler: () => assert.fail('asked without need') })],
}
export const cluster: Readonly<Record<string, Instance>> = { kubernetes: live, k8s_external: live }

/** A cache whose next plugin says what `said` has at the time, and the questions that reached it. */
export function createCacheHarness(
  directive = 'cache',
  said: Said = { answer: [www] },
  others: Readonly<Record<string, Instance>> = cluster,
) {
  const plugin = createPluginHarness()
  const instance = setUp(cache, directive, plugin, { others })
  instance.start?.()
  const asked: Query[] = []
  const made = {
    plugin,
    instance,
    asked,
    said,
    /** When set, the next plugin's answers wait here. */
    held: undefined as (() => void)[] | undefined,
    async ask(question: string, settings?: Asked): Promise<Outcome> {
      return handle(instance, ask(question, settings), next)
    },
    async lines(question: string, settings?: Asked): Promise<string[]> {
      const { answer, authority, additional } = messageOf(await made.ask(question, settings))
      return [...answer, ...authority, ...additional].map(recordText)
    },
  }
  const next: Next = (query) => {
    asked.push(query)
    const outcome = say(query, made.said)
    if (made.held === undefined) return outcome
    return new Promise((resolve) => made.held?.push(() => resolve(outcome)))
  }
  return made
}

/** An answer of one record has the name that is asked for, whichever name the test wrote. */
function say({ request }: Query, said: Said): Outcome {
  const parse = (lines: readonly string[] = []) => lines.map(parseRecord)
  const records = parse(said.answer)
  const [{ name }] = request.questions
  const message = {
    ...replyTo(request, {
      rcode: rcode[said.rcode ?? 'NOERROR'],
      answer: records.length === 1 ? [{ ...records[0], name }] : records,
      authority: parse(said.authority),
      additional: parse(said.additional),
    }),
    ...said.with,
  }
  return { kind: 'reply', message, plugin: said.plugin ?? 'forward' }
}
