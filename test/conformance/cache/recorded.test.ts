/** What CoreDNS said in each scenario (recorded.txt), and what `cache` says, by a clock that moves when told to. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Next, Outcome } from '../../../src/plugin/query.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import { answerFor } from '../../../src/plugins/forward/coalesce.ts'
import { classifyReply } from '../../../src/upstream/answers.ts'
import { ask, createPluginHarness, handle, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { excuse } from './excuses.ts'
import { readRecording, recordedCount } from './recording.ts'
import { askedAt, asksForAd, behaviourAt, readTimeout, type Scenario, scenarios } from './scenarios.ts'
import { isVersioned, say, verdictOf } from './script.ts'

const name = 'www.test.'

/** What `forward` makes of the upstream's octets. */
function upstreamOf(scenario: Scenario, { clock }: PluginHarness): Next {
  let version = 0
  const silent = (): Promise<Outcome> =>
    new Promise((resolve) => {
      const error = new Error('i/o timeout')
      clock.after(readTimeout, () => resolve({ kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'forward', error }))
    })
  return ({ request }) => {
    const behaviour = behaviourAt(scenario, clock.now())
    const octets = say(behaviour, request, version + 1)
    if (isVersioned(behaviour)) version++
    const verdict = octets && classifyReply(octets, request.questions[0])
    if (verdict?.kind !== 'answer') return silent()
    return { kind: 'reply', message: answerFor(request, verdict.message), plugin: 'forward' }
  }
}

/** Lets the promises run that wait for nothing but each other. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

async function verdictsOf(scenario: Scenario): Promise<string[]> {
  const harness = createPluginHarness()
  const instance = setUp(cache, `cache {\n${scenario.options.join('\n')}\n}`, harness)
  instance.start?.()
  const next = upstreamOf(scenario, harness)
  const replies: Promise<string>[] = []
  for (const [step, at] of askedAt.entries()) {
    await advanceTo(harness, at)
    replies.push(replyTo(instance, step, next))
    await settled()
  }
  await advanceTo(harness, askedAt[askedAt.length - 1] + 2 * readTimeout)
  return Promise.all(replies)
}

/** In steps, so that what one timer causes has happened before the next. */
async function advanceTo({ clock }: PluginHarness, at: number): Promise<void> {
  while (clock.now() < at) {
    clock.advance(Math.min(50, at - clock.now()))
    await settled()
  }
}

async function replyTo(instance: Instance, step: number, next: Next): Promise<string> {
  const query = ask(`${name} A`, { edns: {}, request: { authenticData: asksForAd(step) } })
  const outcome = await handle(instance, query, next)
  if (outcome.kind === 'reply') return verdictOf(outcome.message)
  return outcome.kind === 'rcode' ? String(outcome.rcode) : '-'
}

describe('the verdicts of a cache', () => {
  const all = new Map(scenarios(recordedCount).map((scenario) => [scenario.title, scenario]))
  const recorded = readRecording()

  it('the recording has the scenarios that there are', () => {
    assert.deepEqual(
      recorded.map(({ title }) => title),
      [...all.keys()],
    )
  })

  it('the cache says what CoreDNS said, but for the differences that are documented', async () => {
    const wrong: string[] = []
    let excused = 0
    for (const { title, said } of recorded) {
      const scenario = all.get(title)!
      const ours = await verdictsOf(scenario)
      if (ours.join(' ') === said.join(' ')) continue
      if (excuse(scenario, said, ours)) excused++
      else wrong.push(`${title}\n  coredns  ${said.join(' ')}\n  slicedns ${ours.join(' ')}`)
    }
    assert.deepEqual(wrong, [])
    assert.ok(excused < recorded.length / 4, `${excused} of ${recorded.length} scenarios are excused`)
  })
})
