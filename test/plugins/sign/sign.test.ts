/** When a zone is signed, and what is written. `dnssec-verify` and `ldns-verify-zone` judge it in test/e2e. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Instance } from '../../../src/plugin/contract.ts'
import { sign } from '../../../src/plugins/sign/index.ts'
import { type KeyFiles, writeKeyFiles } from '../../support/dnssec-keys.ts'
import { createPluginHarness, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const zone = 'example.org.'
const text = `@ 300 SOA ns h 1 2 3 4 30
@ 300 NS ns
@ 300 NSEC www.example.org. A
ns 300 A 192.0.2.1
www 300 A 192.0.2.2
www 60 A 192.0.2.3
sub 300 NS ns.sub
sub 300 A 192.0.2.4
sub 300 DS 1 13 2 AA
ns.sub 300 A 192.0.2.5
d 300 DNAME example.net.
x.d 300 A 192.0.2.6
other.example. 300 A 192.0.2.7
`

describe('a zone that is signed', () => {
  let folder: string
  let key: KeyFiles
  let harness: PluginHarness
  let running: Instance | undefined

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sign-'))
    folders.push(folder)
    key = writeKeyFiles(folder, 'key', { zone })
    writeFileSync(join(folder, 'db'), text)
    harness = createPluginHarness()
  })
  afterEach(() => running?.stop?.())

  const target = () => join(folder, 'db.example.org.signed')
  const signed = () => readFileSync(target(), 'utf8').split('\n')
  const logged = (wanted: RegExp) =>
    until(() =>
      assert.ok(
        harness.lines.some((line) => wanted.test(line)),
        harness.lines.join('\n'),
      ),
    )
  const times = () => harness.lines.filter((line) => line.includes('Successfully signed')).length

  function start({ base } = key): void {
    running = setUp(sign, `sign db {\nkey file ${base}\ndirectory .\n}`, harness, { zones: [zone], root: folder })
    running.start?.()
  }

  /** Lets minutes pass until the zone has been signed so many times. */
  const signedTimes = (count: number) =>
    until(() => {
      harness.clock.advance(60_000)
      assert.equal(times(), count)
    })

  it('the file has NSEC in canonical order, signatures of what is the zone’s own, and CDS and CDNSKEY of the key', async () => {
    start()
    await logged(/Successfully signed zone "example\.org\."/)
    const lines = signed().map((line) => line.replace(/(RRSIG \S+ \d+ \d+ \d+) .*/, '$1'))
    const nsec = lines.flatMap((line) => /^(\S+) 30 IN NSEC (.*)/.exec(line)?.slice(1).join(' > ') ?? [])
    assert.deepEqual(nsec, [
      'example.org. > d.example.org. NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY',
      'd.example.org. > ns.example.org. DNAME RRSIG NSEC',
      'ns.example.org. > sub.example.org. A RRSIG NSEC',
      'sub.example.org. > www.example.org. NS DS RRSIG NSEC',
      'www.example.org. > example.org. A RRSIG NSEC',
    ])
    const signatures = lines.flatMap(
      (line) => /^(\S+) \d+ IN RRSIG (\S+) 15 \d+ \d+$/.exec(line)?.slice(1).join(' ') ?? [],
    )
    assert.deepEqual(signatures.filter((each) => !/ NSEC$/.test(each)).toSorted(), [
      'd.example.org. DNAME',
      'example.org. CDNSKEY',
      'example.org. CDS',
      'example.org. DNSKEY',
      'example.org. NS',
      'example.org. SOA',
      'ns.example.org. A',
      'sub.example.org. DS',
      'www.example.org. A',
    ])
    assert.equal(lines.filter((line) => /^example\.org\. 300 IN CDS \d+ 15 [12] /.test(line)).length, 2)
    assert.deepEqual(
      lines.filter((line) => /^www\S+ \d+ IN (A|RRSIG A) /.test(line)),
      [
        'www.example.org. 60 IN A 192.0.2.2',
        'www.example.org. 60 IN A 192.0.2.3',
        'www.example.org. 60 IN RRSIG A 15 3 60',
      ],
    )
    assert.match(lines[0], /^example\.org\. 300 IN SOA ns\.example\.org\. h\.example\.org\. 0 2 3 4 30$/)
    assert.ok(harness.lines.some((line) => line.includes('has 1 records outside of the zone')))
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('signed-')),
      [],
    )
  })

  it('a zone whose signatures are valid is not signed again, until they are six days old', async () => {
    start()
    await signedTimes(1)
    running?.stop?.()
    start()
    harness.clock.advance(4 * 86_400_000)
    await signedTimes(1)
    harness.clock.advance(2 * 86_400_000)
    await signedTimes(2)
  })

  it('a zone whose file is newer is signed again', async () => {
    start()
    await signedTimes(1)
    writeFileSync(join(folder, 'db'), `${text}new 300 A 192.0.2.9\n`)
    const later = Date.now() / 1000 + 100
    utimesSync(join(folder, 'db'), later, later)
    await signedTimes(2)
    assert.ok(signed().some((line) => line.startsWith('new.example.org. 300 IN A ')))
    // Its time of change lies behind that of the signed file still.
    for (let looks = 0; looks < 20; looks++) {
      await nextTurn()
      harness.clock.advance(60_000)
    }
    assert.equal(harness.lines.filter((line) => line.includes('Signing "')).length, 2)
  })

  it('a zone that another key has signed is signed again', async () => {
    start()
    await signedTimes(1)
    running?.stop?.()
    start(writeKeyFiles(folder, 'other', { zone, algorithm: 'ECDSAP256SHA256' }))
    await logged(/because it is signed by the keys \d+$/)
    await signedTimes(2)
  })

  it('a zone that cannot be signed is logged once and counted, and its signed file stays', async () => {
    start()
    await signedTimes(1)
    const before = readFileSync(target(), 'utf8')
    writeFileSync(join(folder, 'db'), 'www A\n')
    const later = Date.now() / 1000 + 100
    utimesSync(join(folder, 'db'), later, later)
    const failures = () => harness.metrics.counter('slicedns_sign_failures_total', '', ['zone']).with(zone).value
    await until(() => {
      harness.clock.advance(60_000)
      assert.ok(failures() >= 2)
    })
    assert.equal(harness.lines.filter((line) => line.includes('cannot sign "example.org."')).length, 1)
    assert.equal(readFileSync(target(), 'utf8'), before)
  })

  it('a server that stops leaves no file that is not whole', async () => {
    start()
    running?.stop?.()
    await until(() =>
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('signed-')),
        [],
      ),
    )
    assert.ok(!existsSync(target()) || signed().length > 10)
  })
})
