/** An API server that has answered with errors for long: how soon all watches stand when it works again. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Fault, startApiServer } from '../../support/api-server/index.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { createClusterHarness, namespace, service, serviceNames } from '../harness.ts'

const second = 1000
const resources = ['services', 'endpointslices', 'namespaces']
/** Attempts of each resource after which its back-off is 15 to 30 s. */
const attempts = 8
/** Seconds until the first tries, and from then until all watches stand. */
const firstTries = 5
const othersFollow = 3

const troubles: readonly (readonly [string, Fault['respond']])[] = [
  ['500', { status: 500 }],
  ['503 without Retry-After', { status: 503 }],
  ['401', { status: 401 }],
]

describe('an API server that has answered with errors for long', { concurrency: true }, () => {
  for (const [name, respond] of troubles)
    test(`all watches stand ${firstTries + othersFollow} s after the last ${name}`, async (t) => {
      const api = await startApiServer()
      t.after(() => api.stop())
      api.put(namespace('shop'), service('web'))
      const clock = createFakeClock()
      const harness = createClusterHarness(t, { kind: 'kubeconfig', file: api.kubeconfig(), context: '' }, { clock })
      const watches = () => resources.map(api.watches)
      await until(() => assert.deepEqual(watches(), [1, 1, 1]))

      const fault = api.fault({ on: 'any', respond, times: Number.POSITIVE_INFINITY })
      const begun = api.requests.length
      api.endWatches()
      await until(() => {
        clock.advance(second)
        const asked = api.requests.slice(begun).map(({ resource }) => resource)
        for (const each of resources) assert.ok(asked.filter((resource) => resource === each).length >= attempts)
      })
      // What was under way when the trouble ended is over.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
      fault.remove()
      api.put(service('api'))

      /** Lets no more than so many seconds pass: what needs longer never comes. */
      const within = (seconds: number, check: () => void): Promise<void> => {
        let left = 4 * seconds
        return until(
          () => {
            if (left-- > 0) clock.advance(second / 4)
            check()
          },
          { every: 50, within: 10 * second },
        )
      }
      await within(firstTries, () => assert.ok(watches().includes(1), 'nobody has tried'))
      await within(othersFollow, () => assert.deepEqual(watches(), [1, 1, 1]))
      await until(() => assert.deepEqual(serviceNames(harness), ['api', 'web']))
    })
})
