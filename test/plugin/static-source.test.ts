import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { replyTo } from '../../src/dns/reply.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { type StaticSource, type StaticZone, staticSource } from '../../src/plugin/static-source.ts'
import { servePlugins } from '../support/plugin-server.ts'
import { until } from '../support/until.ts'

const soa = (serial = 1) => `example. 60 IN SOA ns.example. admin.example. ${serial} 7200 1800 86400 30`

/** A plugin whose table side is a static source. Its chain says only that a question came there. */
function recordsPlugin(name: string, zone: StaticZone, lines: readonly string[]) {
  let source: StaticSource | undefined
  const parse = (all: readonly string[]): ResourceRecord[] => all.map(parseRecord)
  const plugin: Plugin = {
    name,
    schema: { usage: name, repeat: 'once', read: () => undefined },
    setup(_, { clock, directive, log }) {
      source = staticSource({ zones: [zone], directive, clock, log })
      source.update(parse(lines))
      return {
        handler: ({ request }) => ({
          kind: 'reply',
          plugin: name,
          message: replyTo(request, { answer: [parseRecord(`${request.questions[0].name} 1 IN TXT "${name}"`)] }),
        }),
        provides: source.provides,
        stop: source.stop,
      }
    },
  }
  return { plugin, update: (all: readonly string[]) => source?.update(parse(all)) }
}

async function serve(t: TestContext, plugins: readonly Plugin[]) {
  const server = await servePlugins(plugins, `. {\n${plugins.map(({ name }) => name).join('\n')}\n}\n`)
  t.after(() => server.stop())
  await server.settled
  return server
}

describe('a static source of a zone with SOA', () => {
  const zone = [
    soa(),
    'example. 60 IN NS ns.example.',
    'www.example. 60 IN A 192.0.2.1',
    'www.example. 60 IN A 192.0.2.2',
    'Mixed.Example. 60 IN MX 10 www.example.',
    'a.b.c.example. 60 IN TXT "deep"',
    'alias.example. 60 IN CNAME www.example.',
    '*.wild.example. 60 IN A 192.0.2.3',
    'sub.example. 60 IN NS ns.sub.example.',
    'ns.sub.example. 60 IN A 192.0.2.4',
    'elsewhere.org. 60 IN A 192.0.2.5',
  ]
  const denied = soa()
  const cases: readonly (readonly [question: string, answer: string])[] = [
    ['www.example. A', 'NOERROR; www.example. 60 IN A 192.0.2.1, www.example. 60 IN A 192.0.2.2'],
    ['www.example. AAAA', `NOERROR; ; ${denied}`],
    ['mixed.example. MX', 'NOERROR; mixed.example. 60 IN MX 10 www.example.'],
    ['example. SOA', `NOERROR; ${soa()}`],
    ['example. A', `NOERROR; ; ${denied}`],
    ['b.c.example. A', `NOERROR; ; ${denied}`],
    ['nothing.example. A', `NXDOMAIN; ; ${denied}`],
    ['x.nothing.example. A', `NXDOMAIN; ; ${denied}`],
    ['x.c.example. A', `NXDOMAIN; ; ${denied}`],
    ['alias.example. CNAME', 'NOERROR; alias.example. 60 IN CNAME www.example.'],
    ['alias.example. A', 'miss'],
    ['x.wild.example. A', 'miss'],
    ['x.y.wild.example. A', 'miss'],
    ['*.wild.example. A', 'miss'],
    ['sub.example. NS', 'miss'],
    ['x.sub.example. A', 'miss'],
    ['ns.sub.example. A', 'miss'],
    ['elsewhere.org. A', 'miss'],
  ]
  for (const [question, answer] of cases)
    it(`a static source of a zone with SOA answers ${question} from the table with ${answer}`, async (t) => {
      const { plugin } = recordsPlugin('records', { zone: 'example.', fallthrough: false }, zone)
      const server = await serve(t, [plugin])
      assert.equal(server.table(question), answer)
    })

  it('a static source of a zone with SOA leaves a signed zone to the chain', async (t) => {
    const rrsig = 'www.example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. AAAA'
    const { plugin } = recordsPlugin('records', { zone: 'example.', fallthrough: false }, [...zone, rrsig])
    const server = await serve(t, [plugin])
    assert.deepEqual(
      ['www.example. A', 'nothing.example. A'].map((question) => server.table(question)),
      ['miss', 'miss'],
    )
  })

  it('a static source of a zone with SOA denies no name of a zone that falls through, and answers NODATA all the same', async (t) => {
    const { plugin } = recordsPlugin('records', { zone: 'example.', fallthrough: true }, zone)
    const server = await serve(t, [plugin])
    assert.deepEqual(
      ['nothing.example. A', 'www.example. AAAA'].map((question) => server.table(question)),
      ['miss', `NOERROR; ; ${denied}`],
    )
  })

  it('a static source whose names fall through in some zones denies no name of theirs, nor above them', async (t) => {
    const records = [soa(), 'a.b.example. 60 IN A 192.0.2.1', 'a.c.example. 60 IN A 192.0.2.1']
    const { plugin } = recordsPlugin('records', { zone: 'example.', fallthrough: ['b.example.'] }, records)
    const server = await serve(t, [plugin])
    const questions = ['x.example. A', 'b.example. A', 'x.b.example. A', 'c.example. A', 'x.c.example. A']
    assert.deepEqual(
      questions.map((question) => server.table(question).split(';')[0]),
      ['miss', 'miss', 'miss', 'NOERROR', 'NXDOMAIN'],
    )
  })

  it('a static source of a zone with SOA follows its records: changed, added and removed ones, and the serial', async (t) => {
    const { plugin, update } = recordsPlugin('records', { zone: 'example.', fallthrough: false }, zone)
    const server = await serve(t, [plugin])
    update([soa(2), 'www.example. 60 IN A 192.0.2.9', 'new.example. 60 IN A 192.0.2.8'])
    await until(() => assert.equal(server.table('new.example. A'), 'NOERROR; new.example. 60 IN A 192.0.2.8'))
    await until(() => assert.match(server.table('mixed.example. MX'), /^NXDOMAIN/))
    assert.equal(server.table('www.example. A'), 'NOERROR; www.example. 60 IN A 192.0.2.9')
    assert.equal(server.table('example. SOA'), `NOERROR; ${soa(2)}`)
    assert.match(server.table('x.wild.example. A'), /^NXDOMAIN/)
  })
})

describe('a static source without SOA', () => {
  const zone: StaticZone = { zone: '.', fallthrough: true, emptyTypes: [1, 28] }

  it('a static source without SOA answers what it has, no record for its empty types, and denies nothing', async (t) => {
    const server = await serve(t, [recordsPlugin('records', zone, ['www.example. 60 IN A 192.0.2.1']).plugin])
    assert.deepEqual(
      ['www.example. A', 'www.example. AAAA', 'www.example. MX', 'x.example. A'].map((question) =>
        server.table(question),
      ),
      ['NOERROR; www.example. 60 IN A 192.0.2.1', 'NOERROR', 'miss', 'miss'],
    )
  })
})

describe('two sources of one block', () => {
  const behind = [soa(), 'www.example. 60 IN A 192.0.2.1', 'other.example. 60 IN A 192.0.2.2']

  it('two sources of one block answer a name that both have as the first does, also after the second has changed', async (t) => {
    const first = recordsPlugin('first', { zone: '.', fallthrough: true }, ['www.example. 60 IN A 203.0.113.1'])
    const second = recordsPlugin('second', { zone: 'example.', fallthrough: false }, behind)
    const server = await serve(t, [first.plugin, second.plugin])
    assert.equal(server.table('www.example. A'), 'NOERROR; www.example. 60 IN A 203.0.113.1')
    assert.equal(server.table('other.example. A'), 'NOERROR; other.example. 60 IN A 192.0.2.2')
    second.update([soa(), 'www.example. 60 IN A 192.0.2.9', 'new.example. 60 IN A 192.0.2.8'])
    await until(() => assert.match(server.table('new.example. A'), /^NOERROR/))
    assert.equal(server.table('www.example. A'), 'NOERROR; www.example. 60 IN A 203.0.113.1')
  })

  it('a name that the first of two sources gives up is answered as the second has it, its last change included', async (t) => {
    const first = recordsPlugin('first', { zone: '.', fallthrough: true }, [
      'www.example. 60 IN A 203.0.113.1',
      'gone.example. 60 IN A 203.0.113.2',
    ])
    const second = recordsPlugin('second', { zone: 'example.', fallthrough: false }, behind)
    const server = await serve(t, [first.plugin, second.plugin])
    second.update([soa(), 'www.example. 60 IN A 192.0.2.9', 'new.example. 60 IN A 192.0.2.8'])
    await until(() => assert.match(server.table('new.example. A'), /^NOERROR/))
    assert.equal(server.table('gone.example. A'), 'NOERROR; gone.example. 60 IN A 203.0.113.2')
    first.update([])
    await until(() => assert.equal(server.table('www.example. A'), 'NOERROR; www.example. 60 IN A 192.0.2.9'))
    await until(() => assert.match(server.table('gone.example. A'), /^NXDOMAIN/))
  })

  it('a name that the first of two sources took from the second, and gives up, is left to the chain until that changes it', async (t) => {
    const first = recordsPlugin('first', { zone: '.', fallthrough: true }, [])
    const second = recordsPlugin('second', { zone: 'example.', fallthrough: false }, behind)
    const server = await serve(t, [first.plugin, second.plugin])
    first.update(['www.example. 60 IN A 203.0.113.1'])
    await until(() => assert.equal(server.table('www.example. A'), 'NOERROR; www.example. 60 IN A 203.0.113.1'))
    first.update([])
    await until(() => assert.equal(server.table('www.example. A'), 'miss'))
    second.update([soa(), 'www.example. 60 IN A 192.0.2.9'])
    await until(() => assert.equal(server.table('www.example. A'), 'NOERROR; www.example. 60 IN A 192.0.2.9'))
  })

  it('two sources of one block leave a zone to the first alone where that does not fall through', async (t) => {
    const first = recordsPlugin('first', { zone: 'example.', fallthrough: false }, ['x.example. 60 IN A 203.0.113.1'])
    const second = recordsPlugin('second', { zone: 'example.', fallthrough: false }, behind)
    const server = await serve(t, [first.plugin, second.plugin])
    assert.deepEqual(
      ['www.example. A', 'none.example. A'].map((question) => server.table(question)),
      ['miss', 'miss'],
    )
  })
})
