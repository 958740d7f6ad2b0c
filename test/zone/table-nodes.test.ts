/** What the answer table has of zones is what the chain answers, record for record; and it has all that is constant. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type as rrType } from '../../src/dns/codes.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { file } from '../../src/plugins/file/index.ts'
import { minimal } from '../../src/plugins/minimal/index.ts'
import { whoami } from '../../src/plugins/whoami/index.ts'
import { servePlugins } from '../support/plugin-server.ts'

const records = `$TTL 60
@ SOA ns.example.org. host 1 2 3 4 5
@ NS ns
@ NS ns.elsewhere.net.
@ 30 MX 10 mail
@ MX 20 mail.elsewhere.net.
@ TXT "apex"
ns A 192.0.2.1
mail A 192.0.2.2
mail AAAA 2001:db8::2
www A 192.0.2.10
www A 192.0.2.11
www 90 AAAA 2001:db8::10
Mixed.Case A 192.0.2.12
mixed-ttl 10 A 192.0.2.13
mixed-ttl 20 A 192.0.2.14
_sip._tcp SRV 1 2 3 mail
_sip._tcp SRV 1 2 3 mail.elsewhere.net.
svc HTTPS 1 mail alpn=h2
alias CNAME www
chain CNAME alias
out CNAME www.elsewhere.net.
self CNAME self
loop1 CNAME loop2
loop2 CNAME loop1
into CNAME www.sub
*.wild A 192.0.2.20
a.b.wild A 192.0.2.21
x.*.ent A 192.0.2.22
deep.empty.under A 192.0.2.23
sub NS ns.sub
sub DS 1 8 2 00
ns.sub A 192.0.2.30
dn DNAME target
dn TXT "beside a DNAME"
under.dn A 192.0.2.31
x.target A 192.0.2.40
child NS ns.child
`
const child = '@ 60 SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.50\nwww A 192.0.2.51\n'
const signature = (covered: string) => `RRSIG ${covered} 8 2 60 20300101000000 20200101000000 1 example.org. AAAA\n`
const signed = `${records}www ${signature('A')}www NSEC zzz A RRSIG NSEC\n@ ${signature('SOA')}@ ${signature('NS')}`

const owners = records
  .split('\n')
  .map((line) => line.split(' ')[0].toLowerCase())
  .filter((owner) => owner !== '' && owner !== '$ttl')
const relative = [
  ...new Set(owners),
  'b.wild',
  'x.wild',
  'x.y.wild',
  'x.a.b.wild',
  'x.ent',
  '*.ent',
  'y.x.ent',
  'under',
]
const below = relative
  .map((owner) => `missing.${owner}`)
  .concat('missing', 'a.missing', 'www.child', 'empty.under', 'www.sub')
const names = [...relative, ...below]
  .map((name) => (name === '@' ? 'example.org.' : `${name}.example.org.`))
  .map((name) => name.replace('.@.', '.'))
const types = ['A', 'AAAA', 'MX', 'TXT', 'SRV', 'HTTPS', 'NS', 'SOA', 'CNAME', 'DNAME', 'RRSIG', 'NSEC']

interface Serving {
  readonly plugins?: readonly Plugin[]
  readonly directives?: string
  readonly memoryLimit?: number
}

async function serve(t: TestContext, zone: string, { plugins, directives, memoryLimit }: Serving = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'zones-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'db'), zone)
  writeFileSync(join(folder, 'child'), child)
  const zones = `file ${folder}/db example.org\nfile ${folder}/child child.example.org\n`
  const corefile = `example.org {\n${zones}${directives ?? 'whoami'}\n}\n`
  const server = await servePlugins(plugins ?? [file, whoami], corefile, memoryLimit)
  t.after(() => server.stop())
  await server.settled
  return server
}

const questions = (suffix = '') => names.flatMap((name) => types.map((each) => `${name} ${each}${suffix}`))

/** Those that the table answers; all of them as the chain does. */
async function answeredAlike(
  server: Awaited<ReturnType<typeof serve>>,
  asked: readonly string[],
): Promise<Set<string>> {
  const hits = new Set<string>()
  for (const question of asked) {
    const answer = server.table(question)
    if (answer === 'miss') continue
    hits.add(question)
    assert.equal(answer, await server.chain(question), question)
  }
  return hits
}

describe('the answer table of a zone', () => {
  it('every type that is tried is one that there is', () => {
    for (const each of types) assert.ok(each in rrType, each)
  })

  it('the answer table of a zone answers as the chain does, for every name and type that it has, with name servers and addresses', async (t) => {
    const server = await serve(t, records)
    const hits = await answeredAlike(server, questions())
    const expected = [
      'example.org. SOA',
      'example.org. NS',
      'example.org. MX',
      'example.org. A',
      'www.example.org. A',
      'www.example.org. AAAA',
      'www.example.org. MX',
      'mixed.case.example.org. A',
      'mixed-ttl.example.org. A',
      '_sip._tcp.example.org. SRV',
      'svc.example.org. HTTPS',
      'alias.example.org. A',
      'alias.example.org. AAAA',
      'chain.example.org. A',
      'out.example.org. CNAME',
      'loop1.example.org. A',
      'x.*.ent.example.org. A',
      '*.wild.example.org. A',
      'a.b.wild.example.org. A',
      'b.wild.example.org. A',
      'missing.a.b.wild.example.org. A',
      'under.example.org. A',
      'dn.example.org. TXT',
      'missing.example.org. A',
      'a.missing.example.org. AAAA',
      'www.child.example.org. A',
      'missing.www.example.org. A',
    ]
    assert.deepEqual(
      expected.filter((question) => !hits.has(question)),
      [],
    )
    assert.equal(
      server.table('_sip._tcp.example.org. SRV'),
      [
        'NOERROR',
        '_sip._tcp.example.org. 60 IN SRV 1 2 3 mail.elsewhere.net., _sip._tcp.example.org. 60 IN SRV 1 2 3 mail.example.org.',
        'example.org. 60 IN NS ns.elsewhere.net., example.org. 60 IN NS ns.example.org.',
        'mail.example.org. 60 IN A 192.0.2.2, mail.example.org. 60 IN AAAA 2001:db8::2',
      ].join('; '),
    )
  })

  it('the answer table of a zone leaves to the chain what depends on the name asked for, or lies elsewhere', async (t) => {
    const server = await serve(t, records)
    const left = [
      'out.example.org. A',
      'into.example.org. A',
      'alias.example.org. TXT',
      'x.wild.example.org. A',
      'missing.example.org. SOA',
      'sub.example.org. NS',
      'www.sub.example.org. A',
      'ns.sub.example.org. A',
      'missing.dn.example.org. A',
      'under.dn.example.org. A',
      'missing.ent.example.org. A',
    ]
    for (const question of left) assert.equal(server.table(question), 'miss', question)
  })

  it('the answer table of a zone is for clients without DO where the zone is signed, and for all where it is not', async (t) => {
    const server = await serve(t, signed)
    const hits = await answeredAlike(server, questions())
    assert.ok(hits.has('www.example.org. A') && hits.has('missing.example.org. A') && hits.has('example.org. SOA'))
    assert.deepEqual(
      [...(await answeredAlike(server, questions(' DO')))].filter((question) => !question.includes('child')),
      [],
    )
    const plain = await serve(t, records)
    assert.ok((await answeredAlike(plain, questions(' DO'))).has('www.example.org. A DO'))
  })

  it('the answer table of a zone has answers without name servers and further addresses behind minimal', async (t) => {
    const server = await serve(t, records, { plugins: [minimal, file, whoami], directives: 'minimal\nwhoami' })
    const hits = await answeredAlike(server, questions())
    assert.ok(hits.has('_sip._tcp.example.org. SRV') && hits.has('www.example.org. A'))
    assert.match(server.table('www.example.org. A'), /192\.0\.2\.10, www\.example\.org\. 60 IN A 192\.0\.2\.11$/)
  })

  it('the answer table of a zone is empty where it would take more memory than there is for it, and the chain answers', async (t) => {
    const server = await serve(t, `${records}$GENERATE 1-25000 h$ A 192.0.2.1\n`, { memoryLimit: 64 << 20 })
    assert.equal(server.table('h25000.example.org. A'), 'miss')
    assert.match(await server.chain('h25000.example.org. A'), /^NOERROR; h25000/)
    assert.match(
      server.lines.join('\n'),
      /zone example\.org\. is answered without the answer table: it would take \d\.\d MiB/,
    )
  })

  it('the answer table of a zone leaves answers with many records of other names to the chain', async (t) => {
    const few = '$GENERATE 1-10 few A 192.0.2.$\nto-few CNAME few\nmx-few MX 1 few\n'
    const many = '$GENERATE 1-30 many A 192.0.2.$\nto-many CNAME many\nmx-many MX 1 many\n'
    const server = await serve(t, records + few + many)
    const asked = ['to-few A', 'mx-few MX', 'to-many CNAME', 'to-many AAAA', 'many A']
    const questions = asked.map((question) => question.replace(' ', '.example.org. '))
    assert.deepEqual([...(await answeredAlike(server, questions))], questions)
    for (const left of ['to-many.example.org. A', 'mx-many.example.org. MX']) {
      assert.equal(server.table(left), 'miss', left)
      assert.match(await server.chain(left), /192\.0\.2\.30/)
    }
  })

  it('the answer table of a zone has no answers where there are more name servers than it can add to them', async (t) => {
    const server = await serve(t, `${records}$GENERATE 1-254 @ NS n$\n`)
    assert.equal(server.table('www.example.org. A'), 'miss')
    assert.match(await server.chain('www.example.org. A'), /n254\.example\.org/)
  })

  it('the answer table of a zone counts what aliases repeat', async (t) => {
    const server = await serve(t, `${records}$GENERATE 1-8000 h$ CNAME www\n`, { memoryLimit: 64 << 20 })
    assert.equal(server.table('h8000.example.org. A'), 'miss')
    assert.match(server.lines.join('\n'), /zone example\.org\. is answered without the answer table/)
  })

  it('a zone that does not fit the memory limit is refused with the figure', async (t) => {
    const many = '$GENERATE 1-65000 a$ A 192.0.2.1\n$GENERATE 1-65000 b$ A 192.0.2.1\n'
    await assert.rejects(
      serve(t, `${records}${many}`, { memoryLimit: 64 << 20 }),
      /with \d{5,6} records of it the zones of this server take 5\.0 MiB, which is what a memory limit of 64 MiB leaves for zones/,
    )
  })
})
