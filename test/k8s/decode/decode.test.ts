import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MalformedObject } from '../../../src/k8s/decode/draft.ts'
import { jsonList, jsonObject, jsonWatch } from '../../../src/k8s/decode/json-stream.ts'
import { unwrap } from '../../../src/k8s/decode/protobuf-envelope.ts'
import { protobufList, protobufObject, protobufWatch } from '../../../src/k8s/decode/protobuf-stream.ts'
import { createReducer, type Reducer } from '../../../src/k8s/decode/reduce.ts'
import type { BodyReader, WireObject } from '../../../src/k8s/decode/wire.ts'
import type { EndpointSlice, Resource } from '../../../src/k8s/model/types.ts'
import {
  encodeFrame,
  encodeList,
  encodeObject,
  encodeUnknown,
  type KubeObject,
} from '../../support/api-server/encode.ts'
import { kubeObjects as kinds } from './random-objects.ts'

const reducer = createReducer({
  annotationPrefixes: ['slicedns.io/'],
  podNames: true,
  podLabels: true,
  zones: true,
  sliceUids: true,
})

const anyObject = fc.oneof(...Object.values(kinds).map(({ object }) => object))

function reduceWire(object: WireObject, resource: Resource) {
  const meta = object.meta()
  return { meta, reduced: object.reduce(resource, meta, undefined) }
}

const viaJson = (object: KubeObject): WireObject => jsonObject(JSON.parse(JSON.stringify(object)), reducer)
const viaProtobuf = (object: KubeObject): WireObject => protobufObject(spanOf(encodeObject(object)), reducer)
const spanOf = (bytes: Uint8Array) => ({ bytes, start: 0, end: bytes.length })

describe('an object in protobuf and in JSON', () => {
  for (const [kind, { resource, object }] of Object.entries(kinds)) {
    test(`${kind}: reduces to the same`, () => {
      fc.assert(
        fc.property(object, (one) => {
          assert.deepEqual(reduceWire(viaProtobuf(one), resource), reduceWire(viaJson(one), resource))
        }),
        { numRuns: 300 },
      )
    })
  }

  test('a slice that did not change is the very slice that is in the model, whatever the encoding', () => {
    fc.assert(
      fc.property(kinds.EndpointSlice.object, (one) => {
        const before = reduceWire(viaJson(one), 'endpointslices').reduced as EndpointSlice
        for (const wire of [viaJson(one), viaProtobuf(one)]) {
          assert.equal(wire.reduce('endpointslices', wire.meta(), before), before)
        }
      }),
    )
  })

  test('a slice does not change with the next one that is read', () => {
    fc.assert(
      fc.property(kinds.EndpointSlice.object, kinds.EndpointSlice.object, (one, other) => {
        const first = reduceWire(viaProtobuf(one), 'endpointslices').reduced
        const copy = structuredClone(first)
        reduceWire(viaProtobuf(other), 'endpointslices')
        assert.deepEqual(first, copy)
      }),
    )
  })

  test('a Status reads the same', () => {
    const status = {
      kind: 'Status',
      code: 504,
      reason: 'Timeout',
      message: 'Too large resource version',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 3 },
    }
    assert.deepEqual(viaProtobuf(status).status(), viaJson(status).status())
    assert.deepEqual(viaJson(status).status().causes, ['ResourceVersionTooLarge'])
  })
})

describe('malformed responses', () => {
  const cases: [string, KubeObject, RegExp][] = [
    ['a Service without name', { kind: 'Service', metadata: { namespace: 'shop' } }, /metadata.name "" is not a name/],
    ['a name with a slash', { kind: 'Service', metadata: { namespace: 'shop', name: 'a/b' } }, /is not a name/],
    [
      'a port of 70000',
      { kind: 'Service', metadata: { namespace: 'a', name: 'b' }, spec: { ports: [{ port: 70_000 }] } },
      /port 70000 is not/,
    ],
    [
      'an unknown addressType',
      {
        kind: 'EndpointSlice',
        metadata: { namespace: 'a', name: 'b', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv5',
      },
      /addressType "IPv5"/,
    ],
  ]
  for (const [what, object, message] of cases) {
    test(`${what} is refused with the reason, in either encoding`, () => {
      for (const wire of [viaJson(object), viaProtobuf(object)]) {
        const read = () => reduceWire(wire, kinds[object.kind].resource)
        assert.throws(read, (error) => error instanceof MalformedObject && message.test(error.message))
      }
    })
  }

  test('any octets are an object or MalformedObject, and nothing else', () => {
    const resources = Object.values(kinds).map(({ resource }) => resource)
    const mutated = fc
      .tuple(anyObject, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 8 }), fc.nat())
      .map(([object, changes, cut]) => {
        const bytes = encodeObject(object)
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet
        return bytes.subarray(0, cut % (bytes.length + 1))
      })
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated),
        fc.constantFrom(...resources),
        (bytes, resource) => {
          refusesOnly(() => reduceWire(protobufObject(spanOf(bytes), reducer), resource))
          refusesOnly(() => protobufObject(spanOf(bytes), reducer).status())
          refusesOnly(() => unwrap(spanOf(bytes), reducer))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('any JSON value is an object or MalformedObject, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue(), endpoints: fc.jsonValue() }),
        ),
        fc.constantFrom(...Object.values(kinds).map(({ resource }) => resource)),
        (value, resource) => {
          refusesOnly(() => reduceWire(jsonObject(value, reducer), resource))
          refusesOnly(() => jsonObject(value, reducer).status())
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('bodies of responses', () => {
  const objects = fc.array(anyObject, { maxLength: 8 })

  /** Cuts `body` at the given places. */
  const chunked = (body: Buffer, cuts: readonly number[]): Buffer[] => {
    const places = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b)
    return [...places, body.length].map((end, i) => body.subarray(places[i - 1] ?? 0, end))
  }

  /** Item by item, while it is valid. */
  const drain = <Item, Result>(reader: BodyReader<Item>, chunks: readonly Buffer[], read: (item: Item) => Result) => {
    const found: Result[] = []
    for (const chunk of chunks) {
      reader.push(chunk)
      for (let item = reader.next(); item !== undefined; item = reader.next()) found.push(read(item))
    }
    return found
  }

  const cuts = fc.array(fc.nat(), { maxLength: 12 })

  test('a watch gives the same events however its octets are cut, in either encoding', () => {
    fc.assert(
      fc.property(objects, cuts, (list, places) => {
        const wanted = list.map((object) => ['ADDED', viaJson(object).meta()])
        const binary = Buffer.concat(list.map((object) => encodeFrame('ADDED', object)))
        const lines = Buffer.from(list.map((object) => `${JSON.stringify({ type: 'ADDED', object })}\n`).join(''))
        const read = (event: { type: string; object: WireObject }) => [event.type, event.object.meta()]
        assert.deepEqual(drain(protobufWatch(reducer), chunked(binary, places), read), wanted)
        assert.deepEqual(drain(jsonWatch(reducer), chunked(lines, places), read), wanted)
      }),
    )
  })

  test('a list gives the same items however its octets are cut, in either encoding', () => {
    fc.assert(
      fc.property(objects, cuts, fc.boolean(), fc.constantFrom(undefined, 2), (list, places, metaFirst, indent) => {
        const metadata = { resourceVersion: '17', continue: 'next "page"' }
        const head = { kind: 'ServiceList', apiVersion: 'v1' }
        const whole = metaFirst ? { ...head, metadata, items: list } : { items: list, ...head, metadata }
        const json = Buffer.from(JSON.stringify(whole, undefined, indent))
        const binary = encodeList({ apiVersion: 'v1', kind: 'ServiceList' }, list, '17', 'next "page"')
        const wanted = list.map((object) => viaJson(object).meta())
        for (const [make, body] of [
          [jsonList, json],
          [protobufList, binary],
        ] as const) {
          const reader = make(reducer)
          assert.deepEqual(
            drain(reader, chunked(body, places), (item) => item.meta()),
            wanted,
          )
          assert.deepEqual(reader.finish(), { resourceVersion: '17', continueToken: 'next "page"' })
        }
      }),
    )
  })

  test('a list that is cut short says so', () => {
    const object = { kind: 'Namespace', metadata: { name: 'shop' } }
    const json = Buffer.from(JSON.stringify({ kind: 'NamespaceList', metadata: {}, items: [object, object] }))
    for (const [make, body] of [
      [jsonList, json],
      [protobufList, encodeList({ apiVersion: 'v1', kind: 'NamespaceList' }, [object, object], '17', '')],
    ] as const) {
      const reader = make(reducer)
      drain(reader, [body.subarray(0, -12)], () => {})
      assert.throws(reader.finish, MalformedObject)
    }
  })

  test('a line separator of Unicode inside a text does not end an event', () => {
    const object = {
      kind: 'Namespace',
      metadata: { name: 'shop', annotations: { 'slicedns.io/note': 'a\u2028b\u2029c' } },
    }
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    const [meta] = drain(jsonWatch(reducer), [line], (event) => event.object.meta())
    assert.deepEqual(meta.annotations, { 'slicedns.io/note': 'a\u2028b\u2029c' })
  })

  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

  for (const [what, make, around] of [
    ['a watch', jsonWatch, (value: string) => `{"type":"ADDED","object":{"metadata":{"name":"a","x":${value}}}}\n`],
    ['a list', jsonList, (value: string) => `{"items":[{"metadata":{"name":"a","x":${value}}}]}`],
  ] as const) {
    test(`JSON of ${what} is read when it is nested 200 deep, and refused unread when it is 100,000 deep`, () => {
      const read = (depth: number) =>
        drain(make(reducer) as BodyReader<unknown>, [Buffer.from(around(nested(depth)))], () => 'read')
      assert.deepEqual(read(200), ['read'])
      assert.throws(() => read(100_000), /nested more than 256 deep/)
    })
  }

  test('JSON is not nested by the braces of its texts', () => {
    const object = { metadata: { name: 'a', annotations: { 'slicedns.io/note': '[{"\\'.repeat(1000) } } }
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    assert.equal(drain(jsonWatch(reducer), [line], (event) => event.object.meta().name).length, 1)
  })

  test('a frame of 2 GB is refused before it is waited for', () => {
    const reader = protobufWatch(reducer)
    reader.push(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0]))
    assert.throws(() => reader.next(), MalformedObject)
  })

  test('any octets end a body with MalformedObject, or wait for more', () => {
    const makers: ((reducer: Reducer) => BodyReader<unknown>)[] = [protobufWatch, protobufList, jsonWatch, jsonList]
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes])),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => encodeFrame('ADDED', {}, encodeUnknown('v1', 'Pod', bytes))),
      fc.json().map((json) => Buffer.from(`${json}\n`)),
      fc.json().map((json) => Buffer.from(`{"items":${json}}`)),
    )
    fc.assert(
      fc.property(body, fc.constantFrom(...makers), (bytes, make) => {
        refusesOnly(() => drain(make(reducer), [bytes], () => {}))
      }),
      { numRuns: 3000 },
    )
  })
})

function refusesOnly(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof MalformedObject, String(error))
  }
}
