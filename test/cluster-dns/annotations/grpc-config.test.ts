import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { grpcConfigAnnotation } from '../../../src/cluster-dns/features/grpc-config/parse.ts'
import { readTxt } from '../../../src/dns/values.ts'

/** What a client reads: the strings of the record joined, without `grpc_config=`. */
function served(text: string): unknown {
  const read = grpcConfigAnnotation.parse(text)
  assert.ok(read.ok, read.ok ? '' : read.rule)
  const strings = readTxt(read.value)
  assert.ok(Buffer.from(strings[0]).toString('latin1').startsWith('grpc_config='))
  const json = Buffer.concat(strings).toString('latin1').slice('grpc_config='.length)
  assert.match(json, /^[ -~]*$/, 'it is ASCII')
  return JSON.parse(json)
}

function rule(text: string): string {
  const read = grpcConfigAnnotation.parse(text)
  assert.ok(!read.ok, `${text} is refused`)
  return read.rule
}

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: '0.1s',
  maxBackoff: '1s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE', 4],
}

describe('slicedns.io/grpc-config: what clients take is served', () => {
  const configs: readonly object[] = [
    {},
    { loadBalancingPolicy: 'round_robin' },
    { loadBalancingConfig: [{ round_robin: {} }] },
    { loadBalancingConfig: [{ ours: { a: 1 } }, { pick_first: { shuffleAddressList: true } }] },
    { methodConfig: [{ name: [{}], timeout: '1.5s', waitForReady: true, retryPolicy }] },
    { methodConfig: [{ name: [{ service: 'a.B' }, { service: 'a.B', method: 'Get' }], maxRequestMessageBytes: 4096 }] },
    { methodConfig: [{ name: [{ service: 'a.B' }], hedgingPolicy: { maxAttempts: 2, hedgingDelay: '0s' } }] },
    { retryThrottling: { maxTokens: 1000, tokenRatio: 0.1 } },
    { healthCheckConfig: { serviceName: '' } },
    { somethingNew: { deep: [1, null] } },
    { loadBalancingPolicy: 'zürich' },
  ]
  for (const config of configs) {
    test(JSON.stringify(config), () => assert.deepEqual(served(JSON.stringify(config)), [{ serviceConfig: config }]))
  }

  test('a list of choices stays one', () => {
    const choices = [
      { clientLanguage: ['java', 'c++'], percentage: 10, clientHostname: ['h'], serviceConfig: configs[1] },
      { serviceConfig: configs[2] },
    ]
    assert.deepEqual(served(JSON.stringify(choices)), choices)
  })

  test('clients that no choice is for get an empty config: grpc-go fails their calls without any', () => {
    const choices = [{ percentage: 10, serviceConfig: configs[1] }]
    assert.deepEqual(served(JSON.stringify(choices)), [...choices, { serviceConfig: {} }])
  })

  test('a grpc-config spells languages as clients compare them, and an empty criterion means none (gRFC A2)', () => {
    const choices = [
      { clientLanguage: ['Go', 'NODE'], clientHostname: [], serviceConfig: {} },
      { clientLanguage: [], serviceConfig: {} },
    ]
    assert.deepEqual(served(JSON.stringify(choices)), [
      { clientLanguage: ['GO', 'node'], serviceConfig: {} },
      { serviceConfig: {} },
    ])
  })

  test('a long grpc-config has strings of at most 255 octets', () => {
    const names = Array.from({ length: 100 }, (_, i) => ({ service: `pkg.Service${i}` }))
    const config = { methodConfig: [{ name: names, timeout: '1s' }] }
    assert.deepEqual(served(JSON.stringify(config)), [{ serviceConfig: config }])
  })
})

describe('slicedns.io/grpc-config: what a client would choke on is refused with the place and what would be right', () => {
  const method = (fields: object): object => ({ methodConfig: [{ name: [{}], ...fields }] })
  const retry = (fields: object): object => method({ retryPolicy: { ...retryPolicy, ...fields } })
  const cases: readonly [object | string, RegExp][] = [
    ['', /JSON/],
    ['round_robin', /JSON/],
    ['{"a":1,}', /JSON/],
    ['"round_robin"', /a service config must be an object/],
    ['1', /must be an object/],
    ['null', /must be an object/],
    ['[]', /must not be empty/],
    ['[null]', /choice 1 must be an object/],
    [{ serviceConfig: {} }, /in a list/],
    [[{}], /choice 1 must have serviceConfig/],
    [[{ serviceConfig: [] }], /choice 1\.serviceConfig must be an object/],
    [[{ serviceConfig: {} }, { serviceConfig: {}, weight: 1 }], /choice 2 has no field "weight"/],
    [[{ serviceConfig: {}, clientHostName: ['a'] }], /clientHostName must be spelled clientHostname/],
    [[{ serviceConfig: {}, clientLanguage: 'go' }], /clientLanguage must be a list/],
    [[{ serviceConfig: {}, clientHostname: [1] }], /clientHostname\[0\] must be a string/],
    [[{ serviceConfig: {}, percentage: 101 }], /percentage must be a whole number from 0 to 100/],
    [[{ serviceConfig: {}, percentage: 1.5 }], /percentage/],
    [[{ serviceConfig: {}, percentage: '5' }], /percentage/],
    [{ loadBalancingPolicy: ['round_robin'] }, /loadBalancingPolicy must be a string/],
    [{ loadbalancingconfig: [] }, /loadbalancingconfig must be spelled loadBalancingConfig/],
    [{ loadBalancingConfig: { round_robin: {} } }, /loadBalancingConfig must be a list/],
    [{ loadBalancingConfig: [] }, /loadBalancingConfig must not be empty/],
    [{ loadBalancingConfig: ['round_robin'] }, /loadBalancingConfig\[0\] must be an object/],
    [{ loadBalancingConfig: [{ a: {}, b: {} }] }, /loadBalancingConfig\[0\] must have one policy/],
    [{ loadBalancingConfig: [{ round_robin: null }] }, /loadBalancingConfig\[0\]\.round_robin must be an object/],
    [{ loadBalancingConfig: [{ roundrobin: {} }] }, /\{"round_robin": \{\}\}.*roundrobin fail/],
    [
      { loadBalancingConfig: [{ pick_first: { shuffleAddressList: 1 } }] },
      /pick_first\.shuffleAddressList must be true or false/,
    ],
    [{ methodConfig: {} }, /methodConfig must be a list/],
    [{ methodConfig: [{}] }, /methodConfig\[0\] must have name/],
    [{ methodConfig: [{ name: {} }] }, /methodConfig\[0\]\.name must be a list/],
    [{ methodConfig: [{ name: [{ service: 1 }] }] }, /name\[0\]\.service must be a string/],
    [{ methodConfig: [{ name: [{ method: 'Get' }] }] }, /name\[0\] must have a service/],
    [
      { methodConfig: [{ name: [{ service: 'a' }] }, { name: [{ service: 'a', method: '' }] }] },
      /methodConfig\[1\]\.name repeats a\//,
    ],
    [method({ waitForReady: 'yes' }), /waitForReady must be true or false/],
    [method({ timeout: '1500ms' }), /timeout must be seconds with an s, such as "1.5s"/],
    [method({ timeout: 1.5 }), /timeout/],
    [method({ timeout: '-1s' }), /timeout/],
    [method({ timeout: '1.0123456789s' }), /timeout/],
    [method({ maxResponseMessageBytes: '4096' }), /maxResponseMessageBytes must be a whole number/],
    [method({ retryPolicy: {} }), /retryPolicy must have maxAttempts/],
    [retry({ maxAttempts: 1 }), /maxAttempts must be a whole number of at least 2/],
    [retry({ initialBackoff: '0s' }), /initialBackoff must be seconds above 0 with an s/],
    [retry({ backoffMultiplier: 0 }), /backoffMultiplier must be a number above 0/],
    [retry({ retryableStatusCodes: [] }), /retryableStatusCodes must not be empty/],
    [retry({ retryableStatusCodes: ['unavailable'] }), /retryableStatusCodes\[0\] must be a gRPC status code/],
    [retry({ retryableStatusCodes: [17] }), /status code/],
    [method({ retryPolicy, hedgingPolicy: { maxAttempts: 2 } }), /retryPolicy or hedgingPolicy, not both/],
    [{ retryThrottling: { maxTokens: 1001, tokenRatio: 1 } }, /maxTokens must be a number above 0, at most 1000/],
    [{ retryThrottling: { maxTokens: 1 } }, /must have tokenRatio/],
    [{ healthCheckConfig: 'x' }, /healthCheckConfig must be an object/],
    ['{"a":1e999}', /too large/],
    [`{"a":"${'x'.repeat(262_144)}"}`, /64000/],
    [`{"a":"${'ü'.repeat(20_000)}"}`, /64000/],
  ]
  for (const [config, expected] of cases) {
    const text = typeof config === 'string' ? config : JSON.stringify(config)
    test(`the grpc-config is refused: ${text.slice(0, 100) || '(nothing)'}`, () => assert.match(rule(text), expected))
  }

  test('a grpc-config that is nested thousands of levels deep is refused', () => {
    const text = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    assert.doesNotThrow(() => grpcConfigAnnotation.parse(text))
  })

  test('any JSON, any text: it is served whole or refused with a rule', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (text) => {
        const read = grpcConfigAnnotation.parse(text)
        if (read.ok) assert.ok(readTxt(read.value).length > 0)
        else assert.notEqual(read.rule, '')
      }),
    )
  })

  test('a config of the right fields with any values does not crash either', () => {
    const fields = [
      'loadBalancingPolicy',
      'loadBalancingConfig',
      'methodConfig',
      'retryThrottling',
      'name',
      'timeout',
      'retryPolicy',
      'serviceConfig',
      'percentage',
    ]
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...fields), tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(fc.property(tree, (value) => void grpcConfigAnnotation.parse(JSON.stringify(value))))
  })
})
