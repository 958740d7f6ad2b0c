import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { compiledSource, type TableSink } from '../../src/plugin/capabilities/compiled-source.ts'
import { type DataPlaneEffects, dataPlaneEffects } from '../../src/plugin/capabilities/data-plane-effects.ts'
import { queryObserver } from '../../src/plugin/capabilities/query-observer.ts'
import { replySource } from '../../src/plugin/capabilities/reply-source.ts'
import { type Claim, type Transparency, transparency } from '../../src/plugin/capabilities/transparency.ts'
import { provide } from '../../src/plugin/capability.ts'
import type { Instance } from '../../src/plugin/contract.ts'
import type { Observed } from '../../src/plugin/observer.ts'
import { publishBlock } from '../../src/server/publish.ts'
import { createRouter } from '../../src/server/routing.ts'
import type { AnswerProfile, CachedEntry, TableWriter } from '../../src/table/api.ts'
import type { AnswerSpec, NodeSpec, ZoneSpec } from '../../src/table/spec.ts'

const soa = { mname: 'ns.x.', rname: 'h.x.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 5, ttl: 5 }
const zone = (name: string): ZoneSpec => ({ zone: name, soa, open: false })
const node = (below: 'closed' | 'open' = 'closed'): NodeSpec => ({
  zone: 'cluster.local.',
  below,
  otherTypes: 'nodata',
  answers: new Map([[1, { kind: 'addresses' as const, ttl: 5, addresses: new Uint8Array(4) }]]),
})

/** Remembers what was written; the bytes are the table's own tests. */
function recordingWriter() {
  const nodes = new Map<string, NodeSpec>()
  const classes: AnswerProfile[] = []
  const cached: string[] = []
  const zones: string[] = []
  const writer: Partial<TableWriter> = {
    zone: (_space, { zone: name }) => void zones.push(name),
    zoneUnlessKnown: (_space, { zone: name }) => void zones.push(`${name} unless known`),
    defineProfile: (_space, spec) => classes.push(spec) - 1,
    put: (_space, _class, name, spec) => void nodes.set(name, spec),
    remove: (_space, name) => void nodes.delete(name),
    putCached: (_space, _class, entry) => void cached.push(entry.name),
  }
  return { writer: writer as TableWriter, nodes, classes, cached, zones }
}

describe('what a server block publishes into the answer table', () => {
  let recorded: ReturnType<typeof recordingWriter>
  let sink: TableSink
  const source: Instance = {
    provides: [
      provide(compiledSource, {
        zones: ['cluster.local.'],
        attach(given) {
          sink = given
          return { detach() {}, settled: Promise.resolve() }
        },
      }),
    ],
  }
  const changing = (effects: DataPlaneEffects): Instance => ({ provides: [provide(dataPlaneEffects, effects)] })
  const claiming = (opaque: Partial<Transparency>): Instance => ({
    provides: [provide(transparency, { claims: () => undefined, claimsBelow: () => undefined, ...opaque })],
  })
  const publish = (before: Instance[], otherZones: string[] = [], ownZone = '.') => {
    const own = { zones: [ownZone] }
    const router = createRouter([own, { zones: otherZones }])
    const owns = (name: string) => router.route(name, 0)?.block === own
    publishBlock(
      {
        plugins: [...before, source].map((instance, at) => ({
          plugin: at < before.length ? `p${at}` : 'kubernetes',
          instance,
        })),
        zones: [ownZone],
        server: 'dns://:53',
        view: '',
        owns,
        foreignZonesBelow: (name) => router.zonesBelow(name).filter((below) => !owns(below)),
        zoneOf: (name) => router.route(name, 0)?.zone ?? '.',
      },
      0,
      recorded.writer,
    )
    sink.zone(zone('cluster.local.'))
  }
  beforeEach(() => {
    recorded = recordingWriter()
  })

  it('a server block publishes what the source gives when every plugin before it is transparent', () => {
    publish([{}, {}])
    sink.put('web.apps.svc.cluster.local.', node())
    assert.deepEqual(recorded.nodes.get('web.apps.svc.cluster.local.'), node())
    sink.remove('web.apps.svc.cluster.local.')
    assert.equal(recorded.nodes.size, 0)
  })

  it('a published answer carries what plugins before the source want done to it, and nothing of those after it', () => {
    publish([changing({ shuffle: true }), changing({ maxPayload: 4096 }), changing({ maxPayload: 1232 })])
    sink.put('web.apps.svc.cluster.local.', node())
    assert.deepEqual(recorded.classes, [
      {
        server: 'dns://:53',
        zone: '.',
        view: '',
        plugin: 'kubernetes',
        shuffle: true,
        maxPayload: 1232,
        minimal: false,
        header: {},
      },
    ])
  })

  it('a server block publishes names that an observer before the source wants to hear of in a class of their own', () => {
    const observer = (wants: (name: string) => Observed): Instance => ({
      provides: [provide(queryObserver, { wants, observe() {} })],
    })
    const nothing = { answers: false, denials: false }
    publish([
      observer((name) => (name.startsWith('web.') ? { answers: true, denials: false } : nothing)),
      observer((name) => ({ answers: false, denials: name.startsWith('web.') })),
    ])
    sink.put('web.apps.svc.cluster.local.', node())
    sink.put('api.apps.svc.cluster.local.', node())
    assert.deepEqual(
      recorded.classes.map(({ observe }) => observe),
      [{ answers: true, denials: true }, undefined],
    )
  })

  it('a server block leaves a name that an earlier plugin may claim to the chain, and nothing else', () => {
    const claim: Claim = { answers: 'all', reason: 'rewrites it' }
    publish([claiming({ claims: (name) => (name === 'web.apps.svc.cluster.local.' ? claim : undefined) })])
    sink.put('web.apps.svc.cluster.local.', node())
    sink.put('api.apps.svc.cluster.local.', node())
    assert.deepEqual(recorded.nodes.get('web.apps.svc.cluster.local.')?.otherTypes, 'chain')
    assert.equal(recorded.nodes.get('web.apps.svc.cluster.local.')?.answers.size, 0)
    assert.deepEqual(recorded.nodes.get('api.apps.svc.cluster.local.'), node())
  })

  it("a server block leaves denials to the chain when an earlier plugin may replace them, and keeps the name's records", () => {
    publish([
      {},
      claiming({ claims: () => ({ answers: 'denials', reason: '' }), claimsBelow: () => ({ reason: 'searched' }) }),
      {},
    ])
    const address = { kind: 'addresses', ttl: 5, addresses: Uint8Array.of(10, 0, 0, 1) } as const
    const answers = new Map<number, AnswerSpec>([
      [1, address],
      [6, { kind: 'nodata' }],
      [16, { kind: 'nxdomain' }],
    ])
    sink.put('web.apps.svc.cluster.local.', { ...node('closed'), otherTypes: 'nodata', answers })
    const published = recorded.nodes.get('web.apps.svc.cluster.local.')
    assert.deepEqual(
      [published?.otherTypes, published?.below, published?.answers],
      ['chain', 'open', new Map([[1, address]])],
    )
  })

  it('a published node is open when an earlier plugin may claim a name below it', () => {
    publish([
      claiming({ claimsBelow: (name) => (name === 'svc.cluster.local.' ? { reason: 'rewrites it' } : undefined) }),
    ])
    sink.put('svc.cluster.local.', node('closed'))
    sink.put('apps.svc.cluster.local.', node('closed'))
    assert.equal(recorded.nodes.get('svc.cluster.local.')?.below, 'open')
    assert.equal(recorded.nodes.get('apps.svc.cluster.local.')?.below, 'closed')
  })

  it('a closed node of a server block does not deny the zone of another server block below it', () => {
    publish([], ['stub.svc.cluster.local.', 'elsewhere.org.'])
    assert.deepEqual([...recorded.nodes.keys()], ['stub.svc.cluster.local.'])
    assert.equal(recorded.nodes.get('stub.svc.cluster.local.')?.below, 'open')
    assert.equal(recorded.nodes.get('stub.svc.cluster.local.')?.otherTypes, 'chain')
    sink.put('x.stub.svc.cluster.local.', node())
    assert.equal(recorded.nodes.has('x.stub.svc.cluster.local.'), false, 'a name that another block answers')
  })

  it('a server block leaves denials to the chain where another block has the apex: a zone has one SOA in the table', () => {
    publish([], ['cluster.local.'], 'apps.svc.cluster.local.')
    sink.put('web.apps.svc.cluster.local.', node('closed'))
    assert.deepEqual(recorded.zones, ['cluster.local. unless known'])
    const published = recorded.nodes.get('web.apps.svc.cluster.local.')
    assert.deepEqual(published, { ...node('open'), otherTypes: 'chain' })
  })

  it('a server block repeats cached replies only for names that reach the cache as they were asked', () => {
    let keep: ((entry: CachedEntry) => void) | undefined
    const cache: Instance = {
      provides: [
        provide(replySource, {
          attach(replies) {
            keep = replies.put
            return { detach() {} }
          },
        }),
      ],
    }
    const claim: Claim = { answers: 'all', reason: 'rewrites it' }
    const rewrites = claiming({ claims: (name) => (name === 'a.example.' ? claim : undefined) })
    publish([rewrites, cache])
    const entry = {
      type: 1,
      dnssecOk: false,
      checkingDisabled: false,
      reply: new Uint8Array(),
      expiresAt: 0,
      authenticData: false,
    }
    keep?.({ ...entry, name: 'a.example.' })
    keep?.({ ...entry, name: 'B.example.' })
    assert.deepEqual(recorded.cached, ['B.example.'])
  })
})
