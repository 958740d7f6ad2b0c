/** Zones from zone files: lookups as RFC 1034 §4.3.2 has them, reloads, transfers. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import type { ResourceRecord } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { file } from '../../../src/plugins/file/index.ts'
import { transferSource } from '../../../src/plugins/transfer/capability.ts'
import { whoami } from '../../../src/plugins/whoami/index.ts'
import { ask, createPluginHarness, handle, setUp } from '../../support/plugin-harness.ts'
import { servePlugins } from '../../support/plugin-server.ts'
import { until } from '../../support/until.ts'

const soa = '@ 60 SOA ns host 1 2 3 4 5\n'

const zone = `${soa}
 NS ns
ns A 192.0.2.1
@ MX 10 www
www A 192.0.2.10
 AAAA 2001:db8::10
alias CNAME www
chain CNAME alias
self CNAME self
loop1 CNAME loop2
loop2 CNAME loop1
out CNAME www.example.net.
gone CNAME gone.example.net.
broken CNAME broken.example.net.
refused CNAME refused.example.net.
*.wild A 192.0.2.20
a.b.wild A 192.0.2.21
*.cname.wild CNAME www
x.*.ent A 192.0.2.22
sub NS ns.sub
 DS 1 8 2 00
ns.sub A 192.0.2.30
into CNAME www.sub
dn DNAME target
dl DNAME ${'l'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}.
x.target A 192.0.2.40
_sip._tcp SRV 1 2 3 www
`

function folder(t: { after(end: () => void): void }, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'zones-'))
  t.after(() => rmSync(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

/** What is at the names outside of the zone. */
async function elsewhere(name: string, query: Query): Promise<Outcome> {
  const code = { 'gone.example.net.': 3, 'broken.example.net.': 2, 'refused.example.net.': 5 }[name] ?? 0
  if (code > 0) return { kind: 'rcode', rcode: code, plugin: 'elsewhere' }
  const answer = [parseRecord(`${name} 9 IN A 203.0.113.1`)]
  return { kind: 'reply', plugin: 'elsewhere', message: replyTo(query.request, { answer }) }
}

const text = (records: readonly ResourceRecord[]): string =>
  records
    .map((record) =>
      recordText(record)
        .replaceAll(/\.?example\.org\./g, '')
        .replace(/^(\S*) \d+ IN /, '$1 '),
    )
    .join(', ')

/** `NOERROR aa | answer | authority | additional`. */
async function seen(instance: Instance, question: string, dnssec = false): Promise<string> {
  const asked = ask(question)
  const edns = dnssec ? { version: 0, payloadSize: 1232, dnssecOk: true, extendedRcode: 0, options: [] } : undefined
  const query: Query = { ...asked, request: { ...asked.request, edns }, lookup: (name) => elsewhere(name, asked) }
  const outcome = await handle(instance, query, () => ({ kind: 'drop', plugin: 'next' }))
  if (outcome.kind === 'drop') return 'passed'
  if (outcome.kind === 'rcode') return rcodeName(outcome.rcode)
  const { message } = outcome
  const sections = [message.answer, message.authority, message.additional].map(text)
  return [`${rcodeName(message.rcode)}${message.authoritative ? ' aa' : ''}`, ...sections].join(' | ').trimEnd()
}

const theSoa = 'SOA ns host 1 2 3 4 5'

describe('the plugin file', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['example.org. SOA', `NOERROR aa |  ${theSoa} |  NS ns |`],
    ['example.org. NS', 'NOERROR aa |  NS ns |  | ns A 192.0.2.1'],
    ['example.org. MX', 'NOERROR aa |  MX 10 www |  NS ns | www A 192.0.2.10, www AAAA 2001:db8::10'],
    ['example.org. TXT', `NOERROR aa |  |  ${theSoa} |`],
    ['WWW.example.org. A', 'NOERROR aa | WWW A 192.0.2.10 |  NS ns |'],
    ['www.example.org. TXT', `NOERROR aa |  |  ${theSoa} |`],
    ['none.example.org. A', `NXDOMAIN aa |  |  ${theSoa} |`],
    ['target.example.org. A', `NOERROR aa |  |  ${theSoa} |`],
    ['alias.example.org. A', 'NOERROR aa | alias CNAME www, www A 192.0.2.10 |  NS ns |'],
    ['alias.example.org. CNAME', 'NOERROR aa | alias CNAME www |  NS ns |'],
    ['alias.example.org. TXT', 'NOERROR aa | alias CNAME www |  NS ns |'],
    ['chain.example.org. A', 'NOERROR aa | chain CNAME alias, alias CNAME www, www A 192.0.2.10 |  NS ns |'],
    ['self.example.org. A', 'SERVFAIL'],
    ['out.example.org. A', 'NOERROR aa | out CNAME www.example.net., www.example.net. A 203.0.113.1 |  NS ns |'],
    ['gone.example.org. A', `NXDOMAIN aa | gone CNAME gone.example.net. |  ${theSoa} |`],
    ['broken.example.org. A', 'SERVFAIL aa | broken CNAME broken.example.net. |  NS ns |'],
    ['refused.example.org. A', 'NOERROR aa | refused CNAME refused.example.net. |  NS ns |'],
    ['x.wild.example.org. A', 'NOERROR aa | x.wild A 192.0.2.20 |  NS ns |'],
    ['x.y.wild.example.org. A', 'NOERROR aa | x.y.wild A 192.0.2.20 |  NS ns |'],
    ['x.wild.example.org. TXT', `NOERROR aa |  |  ${theSoa} |`],
    ['b.wild.example.org. A', `NOERROR aa |  |  ${theSoa} |`],
    ['x.b.wild.example.org. A', `NXDOMAIN aa |  |  ${theSoa} |`],
    ['x.cname.wild.example.org. A', 'NOERROR aa | x.cname.wild CNAME www, www A 192.0.2.10 |  NS ns |'],
    ['y.ent.example.org. A', `NOERROR aa |  |  ${theSoa} |`],
    ['www.sub.example.org. A', 'NOERROR |  | sub NS ns.sub | ns.sub A 192.0.2.30'],
    ['ns.sub.example.org. A', 'NOERROR |  | sub NS ns.sub | ns.sub A 192.0.2.30'],
    ['sub.example.org. DS', 'NOERROR aa | sub DS 1 8 2 00 |  NS ns |'],
    ['into.example.org. A', 'NOERROR aa | into CNAME www.sub | sub NS ns.sub | ns.sub A 192.0.2.30'],
    ['x.dn.example.org. A', 'NOERROR aa | dn DNAME target, x.dn CNAME x.target, x.target A 192.0.2.40 |  NS ns |'],
    ['dn.example.org. A', `NOERROR aa |  |  ${theSoa} |`],
    [
      `${'k'.repeat(63)}.dl.example.org. A`,
      `YXDOMAIN aa | dl DNAME ${'l'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}. |  |`,
    ],
    [
      '_sip._tcp.example.org. SRV',
      'NOERROR aa | _sip._tcp SRV 1 2 3 www |  NS ns | www A 192.0.2.10, www AAAA 2001:db8::10',
    ],
    ['www.example.org. ANY', `NOERROR aa |  |  ${theSoa} |`],
    ['example.org. AXFR', 'REFUSED'],
    ['www.example.com. A', 'passed'],
  ]
  for (const [question, expected] of cases)
    it(`a zone file answers ${question} with ${expected}`, async (t) => {
      const instance = setUp(file, `file ${folder(t, { db: zone })}/db example.org`)
      t.after(() => instance.stop?.())
      assert.equal(await seen(instance, question), expected)
    })

  it('a zone of nothing but SOA and NS denies every other name, and has no other type at its apex', async (t) => {
    const instance = setUp(file, `file ${folder(t, { db: `${soa} NS ns\n` })}/db example.org`)
    assert.equal(await seen(instance, 'example.org. A'), `NOERROR aa |  |  ${theSoa} |`)
    assert.equal(await seen(instance, 'www.example.org. A'), `NXDOMAIN aa |  |  ${theSoa} |`)
  })

  it('a loop of two CNAMEs ends after ten of them', async (t) => {
    const instance = setUp(file, `file ${folder(t, { db: zone })}/db example.org`)
    assert.equal((await seen(instance, 'loop1.example.org. A')).split('CNAME').length - 1, 10)
  })

  it('names that are not there pass with fallthrough, empty non-terminals among them, and NODATA does not', async (t) => {
    const instance = setUp(file, `file ${folder(t, { db: zone })}/db example.org {\nfallthrough\n}`)
    assert.equal(await seen(instance, 'none.example.org. A'), 'passed')
    assert.equal(await seen(instance, 'target.example.org. A'), 'passed')
    assert.equal(await seen(instance, 'www.example.org. TXT'), `NOERROR aa |  |  ${theSoa} |`)
  })

  it('one file serves several zones, and the longest one that has the name answers', async (t) => {
    const path = folder(t, { db: `${soa}www A 192.0.2.1`, deep: `${soa}www A 192.0.2.2` })
    const instance = setUp(file, `file ${path}/db example.org example.net\nfile ${path}/deep sub.example.org`)
    assert.match(await seen(instance, 'www.example.net. A'), /192\.0\.2\.1/)
    assert.match(await seen(instance, 'www.sub.example.org. A'), /192\.0\.2\.2/)
  })

  it('a signed zone sends signatures and denials to a client that sets DO, and to no other', async (t) => {
    const sign = (types: string[], owner: string) =>
      types.map((type) => `${owner} RRSIG ${type} 8 2 60 20300101000000 20200101000000 1 @ AAAA\n`).join('')
    const signed = `${soa}${sign(['SOA', 'NSEC'], '@')}@ NSEC *.w A SOA\n*.w A 192.0.2.3\n*.w NSEC www A\n${sign(['A', 'NSEC'], '*.w')}www A 192.0.2.1\nwww NSEC @ A\n${sign(['A', 'NSEC'], 'www')}`
    const instance = setUp(file, `file ${folder(t, { db: signed })}/db example.org`)
    const kinds = async (question: string, dnssec: boolean) =>
      (await seen(instance, question, dnssec)).replaceAll(/(RRSIG \S+|NSEC|SOA) [^,|]*/g, '$1')
    assert.equal(await kinds('www.example.org. A', false), 'NOERROR aa | www A 192.0.2.1 |  |')
    assert.equal(await kinds('www.example.org. A', true), 'NOERROR aa | www A 192.0.2.1, www RRSIG A|  |')
    assert.equal(
      await kinds('x.example.org. A', true),
      'NXDOMAIN aa |  |  SOA,  RRSIG SOA, www NSEC, www RRSIG NSEC,  NSEC,  RRSIG NSEC|',
    )
    assert.match(await kinds('x.w.example.org. A', true), /x\.w A 192\.0\.2\.3, x\.w RRSIG A\| \*\.w NSEC/)
  })

  it('a transfer has every record of the zone, and the serial of the file', async (t) => {
    const instance = setUp(file, `file ${folder(t, { db: `${soa} NS ns\nns A 192.0.2.1` })}/db example.org`)
    const source = capabilityOf(instance, transferSource)
    const snapshot = source?.snapshot('example.org.')
    assert.equal(source?.serial('example.org.'), 1)
    assert.equal(
      text(Array.from({ [Symbol.iterator]: () => snapshot?.records ?? [].values() })),
      ' NS ns, ns A 192.0.2.1',
    )
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['file', /Wrong argument count|file must|argument/],
    ['file DB example.org {\nreload\n}', /reload must have a duration/],
    ['file DB example.org {\nbogus\n}', /unknown property 'bogus' of file/],
    ['file DB example.net', /db:1: the SOA of example\.org\. must be owned by the zone example\.net\./],
    ['file DB.broken example.org\nfile DB example.org', /cannot load zone "example\.org\.": .*broken:1/],
    ['file DB.gone example.org {\nreload 0\n}', /cannot load zone "example\.org\.": .*no such file or directory/],
  ]
  for (const [directive, message] of wrong)
    it(`the directive ${JSON.stringify(directive)} is refused`, (t) => {
      const path = folder(t, { db: soa.replace('@', 'example.org.'), 'db.broken': 'this is no zone file' })
      assert.throws(() => setUp(file, directive.replaceAll('DB', `${path}/db`)), message)
    })
})

describe('a zone file that changes', () => {
  const version = (serial: number, address: string) => `@ 60 SOA ns host ${serial} 2 3 4 5\nwww A ${address}\n`
  let touched = Date.now()
  const write = (path: string, content: string) => {
    writeFileSync(path, content)
    touched += 5000
    utimesSync(path, new Date(), new Date(touched))
  }

  const started = async (t: { after(end: () => void): void }, path: string, options = '') => {
    const harness = createPluginHarness()
    const instance = setUp(file, `file ${path} example.org {\n${options}\n}`, harness)
    await instance.start?.()
    t.after(() => instance.stop?.())
    const look = async (condition: () => Promise<void> | void) =>
      until(async () => {
        harness.clock.advance(60_000)
        await condition()
      })
    const www = () => seen(instance, 'www.example.org. A')
    return { harness, look, www }
  }

  it('a zone file is read again when its serial is another, and stays as it was while it is invalid', async (t) => {
    const path = join(folder(t, { db: version(1, '192.0.2.1') }), 'db')
    const { harness, look, www } = await started(t, path)
    write(path, version(2, '192.0.2.2'))
    await look(async () => assert.match(await www(), /192\.0\.2\.2/))
    write(path, `${version(3, '192.0.2.3')}x BOGUS`)
    await look(() =>
      assert.match(
        harness.lines.join('\n'),
        /cannot load zone "example\.org\.": .*db:3: the record has no type|db:3: "BOGUS"/,
      ),
    )
    assert.match(await www(), /192\.0\.2\.2/)
    assert.match(await harness.metrics.text(), /slicedns_file_failures_total\{zone="example\.org\."\} 1/)
    write(path, version(3, '192.0.2.3'))
    await look(async () => assert.match(await www(), /192\.0\.2\.3/))
  })

  it('a zone file with the serial that is in use is not read, unless reload_by_mtime says so', async (t) => {
    const path = join(folder(t, { db: version(1, '192.0.2.1') }), 'db')
    const bySerial = await started(t, path)
    const byTime = await started(t, path, 'reload_by_mtime')
    write(path, version(1, '192.0.2.2'))
    await byTime.look(async () => {
      bySerial.harness.clock.advance(60_000)
      assert.match(await byTime.www(), /192\.0\.2\.2/)
    })
    assert.match(await bySerial.www(), /192\.0\.2\.1/)
  })

  it('a name of no zone is REFUSED where no plugin is behind, and the next one has it where one is', async (t) => {
    const path = folder(t, { db: zone })
    const line = `file ${path}/db example.org`
    const alone = await servePlugins([file], `. {\n${line}\n}`)
    t.after(alone.stop)
    assert.match(await alone.chain('www.example.net. A'), /^REFUSED/)
    const before = await servePlugins([file, whoami], `. {\n${line}\nwhoami\n}`)
    t.after(before.stop)
    assert.match(await before.chain('www.example.net. A'), /^NOERROR/)
  })

  it('a zone is SERVFAIL until its file is there', async (t) => {
    const path = join(folder(t, {}), 'db')
    const { look, www } = await started(t, path)
    assert.equal(await www(), 'SERVFAIL')
    write(path, version(1, '192.0.2.1'))
    await look(async () => assert.match(await www(), /192\.0\.2\.1/))
  })

  it('a zone file includes files of its own folder and below, and no others', (t) => {
    const path = folder(t, { outside: 'x A 192.0.2.1\n' })
    mkdirSync(join(path, 'zones/parts'), { recursive: true })
    writeFileSync(join(path, 'zones/parts/hosts'), 'www A 192.0.2.1\n')
    writeFileSync(join(path, 'zones/good'), `${soa}$INCLUDE parts/hosts\n`)
    writeFileSync(join(path, 'zones/bad'), `${soa}$INCLUDE ../outside\n`)
    writeFileSync(join(path, 'zones/folder'), `${soa}$INCLUDE parts\n`)
    setUp(file, `file ${path}/zones/good example.org`)
    assert.throws(() => setUp(file, `file ${path}/zones/bad example.org`), /bad:2: .*outside is not in the folder/)
    assert.throws(() => setUp(file, `file ${path}/zones/folder example.org`), /is not a regular file/)
  })
})
