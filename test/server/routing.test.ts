import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type as rrType } from '../../src/dns/codes.ts'
import { createRouter } from '../../src/server/routing.ts'

const block = (...zones: string[]) => ({ zones })

describe('server block selection (docs/coredns-behaviour.md §2.5)', () => {
  const root = block('.')
  const org = block('example.org.', 'example.net.')
  const sub = block('sub.example.org.')
  const router = createRouter([root, org, sub])

  const cases: { name: string; type?: number; takes: object | undefined; zone?: string }[] = [
    { name: 'sub.example.org.', takes: sub, zone: 'sub.example.org.' },
    { name: 'a.b.sub.example.org.', takes: sub, zone: 'sub.example.org.' },
    { name: 'notsub.example.org.', takes: org, zone: 'example.org.' },
    { name: 'www.example.net.', takes: org, zone: 'example.net.' },
    { name: 'myexample.org.', takes: root, zone: '.' },
    { name: '.', takes: root, zone: '.' },
    { name: 'sub.example.org.', type: rrType.DS, takes: org, zone: 'example.org.' },
    { name: 'example.org.', type: rrType.DS, takes: org, zone: 'example.org.' },
    { name: 'example.com.', type: rrType.DS, takes: root, zone: '.' },
  ]
  for (const { name, type = rrType.A, takes, zone } of cases)
    it(`${name} ${type === rrType.DS ? 'DS' : 'A'} goes to the block of ${zone}`, () => {
      const routed = router.route(name, type)
      assert.equal(routed?.block, takes)
      assert.equal(routed?.zone, zone)
    })

  it('a name of 127 labels goes to the block of its zone, whatever stands in front of that', () => {
    assert.equal(router.route(`${'a.'.repeat(124)}sub.example.org.`, rrType.A)?.block, sub)
    assert.equal(router.route('a\\.sub.example.org.', rrType.A)?.block, org)
    assert.equal(router.route('a.b\\.example.org.', rrType.A)?.block, root)
  })

  it('a DS query goes to the block of the zone even if that refuses everything, as CoreDNS looks no further', () => {
    const nothing = block('sub.example.org.')
    const refusing = createRouter([root, org, nothing], (candidate) => candidate === nothing)
    assert.equal(refusing.route('a.sub.example.org.', rrType.DS)?.block, nothing)
    assert.equal(refusing.route('example.org.', rrType.DS)?.block, org)
  })

  it('a name outside every zone has no server block', () => {
    assert.equal(createRouter([org]).route('example.com.', rrType.A), undefined)
  })

  it("a zone that two blocks share is the first one's", () => {
    const first = block('example.org.')
    assert.equal(createRouter([first, block('example.org.')]).route('example.org.', rrType.A)?.block, first)
  })

  it('where several blocks of a zone take a DS query the last one answers it, as in CoreDNS', () => {
    const [first, last] = [block('example.org.'), block('example.org.')]
    const shared = createRouter([first, last])
    assert.equal(shared.route('example.org.', rrType.DS)?.block, last)
    assert.equal(shared.route('www.example.org.', rrType.A)?.block, first)
    const [one, other] = [block('.'), block('.')]
    assert.equal(createRouter([one, other]).route('.', rrType.DS)?.block, other)
  })

  it('server block selection names the zones below a name, without itself and the root', () => {
    assert.deepEqual(router.zonesBelow('example.org.'), ['sub.example.org.'])
    assert.deepEqual(router.zonesBelow('.'), ['example.org.', 'example.net.', 'sub.example.org.'])
  })
})
