/** Whatever service config is served, grpc-js reads it: ours is the stricter of the two. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { grpcConfigAnnotation } from '../../src/cluster-dns/features/grpc-config/parse.ts'
import { readTxt } from '../../src/dns/values.ts'

type Select = (records: readonly (readonly string[])[], percentage: number) => object | null
const { extractAndSelectServiceConfig: select }: { readonly extractAndSelectServiceConfig: Select } = createRequire(
  import.meta.url,
)('@grpc/grpc-js/build/src/service-config.js')

const odd = fc.constantFrom<unknown>(null, true, '', 'x', '1s', '-1s', 0, 1, -1, 1.5, 101, [], {}, [[]], [{}], [1])
/** Mostly as it should be. */
const usually = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> => fc.oneof({ arbitrary: right, weight: 60 }, odd)
const fields = (
  model: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  ...requiredKeys: string[]
): fc.Arbitrary<unknown> => usually(fc.record(model, { requiredKeys }))
const list = (each: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => usually(fc.array(each, { maxLength: 3 }))

const seconds = usually(fc.constantFrom('0s', '1s', '0.5s', '1.5s', '10s'))
const codes = list(usually(fc.constantFrom('UNAVAILABLE', 'OK', 4, 16)))
const policy = usually(fc.constantFrom({ round_robin: {} }, { pick_first: { shuffleAddressList: true } }, { ours: {} }))
const attempts = usually(fc.integer({ min: 2, max: 5 }))
const retryPolicy = fc.record({
  maxAttempts: attempts,
  initialBackoff: seconds,
  maxBackoff: seconds,
  backoffMultiplier: usually(fc.constantFrom(1, 2.5)),
  retryableStatusCodes: codes,
})
const method = fields(
  {
    name: list(fields({ service: usually(fc.string()), method: usually(fc.constantFrom('Get', 'Set')) }, 'service')),
    waitForReady: usually(fc.boolean()),
    timeout: seconds,
    maxRequestMessageBytes: usually(fc.nat()),
    maxResponseMessageBytes: usually(fc.nat()),
    retryPolicy: usually(retryPolicy),
    hedgingPolicy: fields({ maxAttempts: attempts, hedgingDelay: seconds, nonFatalStatusCodes: codes }, 'maxAttempts'),
  },
  'name',
)
const config = fields({
  loadBalancingPolicy: usually(fc.constantFrom('round_robin', 'pick_first')),
  loadBalancingConfig: list(policy),
  methodConfig: list(method),
  retryThrottling: fields(
    { maxTokens: usually(fc.nat({ max: 1200 })), tokenRatio: usually(fc.constantFrom(0.1, 1)) },
    'maxTokens',
    'tokenRatio',
  ),
  healthCheckConfig: fields({ serviceName: usually(fc.string()) }),
})
const choices = list(
  fc.record(
    {
      clientLanguage: list(fc.constantFrom('go', 'NODE', 'java')),
      percentage: usually(fc.nat({ max: 100 })),
      clientHostname: list(fc.constantFrom('a', 'b')),
      serviceConfig: config,
    },
    { requiredKeys: ['serviceConfig'] },
  ),
)

test('grpc-js finds a config in every record that is served', () => {
  let served = 0
  fc.assert(
    fc.property(fc.oneof(config, choices), fc.nat({ max: 99 }), (value, percentage) => {
      const read = grpcConfigAnnotation.parse(JSON.stringify(value))
      if (!read.ok) return
      served++
      const strings = readTxt(read.value).map((octets) => Buffer.from(octets).toString('latin1'))
      assert.notEqual(select([['other=1'], strings], percentage), null)
    }),
    { numRuns: 2000 },
  )
  assert.ok(served > 200, `${served} were served: what is generated is too odd`)
})
