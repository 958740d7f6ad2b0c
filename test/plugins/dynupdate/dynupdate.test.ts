/** Updates of a zone (RFC 2136): what is refused, what changes, what is left of it after a crash. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { dnsClass, rcodeName } from '../../../src/dns/codes.ts'
import type { ResourceRecord } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { dynupdate } from '../../../src/plugins/dynupdate/index.ts'
import { openJournal, replay } from '../../../src/plugins/dynupdate/journal.ts'
import { transferSource } from '../../../src/plugins/transfer/capability.ts'
import { ask, createPluginHarness, handle, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { specifySchema } from '../../support/schema-cases.ts'
import { until } from '../../support/until.ts'

const seed = `@ 60 SOA ns host 1 2 3 4 5
@ NS ns
@ NS ns2
www 60 A 192.0.2.1
www 60 A 192.0.2.2
alias 60 CNAME www
text 60 TXT "x"
`

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'dynupdate-'))
  t.after(() => rmSync(path, { recursive: true }))
  writeFileSync(join(path, 'db'), seed)
  return path
}

function started(t: TestContext, root: string, more = 'allow k. * *', harness: PluginHarness = createPluginHarness()) {
  const instance = setUp(dynupdate, `dynupdate a {\nfile db\n${more}\n}`, harness, { root })
  instance.serving?.()
  let stopped = false
  const stop = async (): Promise<void> => {
    if (stopped) return
    stopped = true
    await instance.stop?.()
    await harness.settled()
  }
  t.after(stop)
  return { instance, harness, stop }
}

/** `+` adds, `-` deletes: `NAME`, `NAME TYPE`, or a record. `?` and `!`: it must and must not be there. */
function recordsOf(lines: readonly string[]): { answer: ResourceRecord[]; authority: ResourceRecord[] } {
  const answer: ResourceRecord[] = []
  const authority: ResourceRecord[] = []
  for (const line of lines) {
    const words = line.slice(1).split(' ')
    const isPrerequisite = line[0] === '?' || line[0] === '!'
    const whole = words.length > 2
    const record = whole ? parseRecord(line.slice(1)) : bareRecord(words[0], words[1] ?? 'ANY')
    const negative = line[0] === '!' || (line[0] === '-' && whole)
    const recordClass = line[0] === '+' || (line[0] === '?' && whole) ? 1 : negative ? dnsClass.NONE : dnsClass.ANY
    ;(isPrerequisite ? answer : authority).push({
      ...record,
      class: recordClass,
      ttl: line[0] === '+' ? record.ttl : 0,
    })
  }
  return { answer, authority }
}

function bareRecord(name: string, typeText: string): ResourceRecord {
  const { qtype } = ask(`${name} ${typeText}`)
  return { name, type: qtype, class: 1, ttl: 0, rdata: new Uint8Array() }
}

async function send(instance: Instance, lines: readonly string[], signedWith: string | undefined = 'k.', zone = 'a.') {
  const query = ask(`${zone} SOA`, { request: { opcode: 5, ...recordsOf(lines) } })
  const outcome = await handle(instance, { ...query, signedWith }, () => ({ kind: 'drop', plugin: 'next' }))
  assert.ok(outcome.kind === 'reply')
  const { opcode, authoritative, answer, authority, rcode } = outcome.message
  assert.deepEqual([opcode, authoritative, answer, authority], [5, true, [], []])
  return rcodeName(rcode)
}

/** Every record, the SOA by its serial. */
function zoneOf(instance: Instance): string[] {
  const found = capabilityOf(instance, transferSource)!.snapshot('a.')!
  const lines = [...(found.records as IterableIterator<ResourceRecord>)].map((record) =>
    recordText(record).replaceAll(/\s+/g, ' '),
  )
  return [`serial ${found.serial}`, ...lines.toSorted()]
}

const initial = [
  'a. 60 IN NS ns.a.',
  'a. 60 IN NS ns2.a.',
  'alias.a. 60 IN CNAME www.a.',
  'text.a. 60 IN TXT "x"',
  'www.a. 60 IN A 192.0.2.1',
  'www.a. 60 IN A 192.0.2.2',
]

interface Case {
  readonly send: readonly string[]
  readonly rcode?: string
  /** Serial, records that came, and went. */
  readonly serial?: number
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
}

const cases: Readonly<Record<string, Case>> = {
  'a record that is added': {
    send: ['+new.a. 30 IN A 192.0.2.3'],
    serial: 2,
    added: ['new.a. 30 IN A 192.0.2.3'],
  },
  'a record that is there': { send: ['+WWW.a. 60 IN A 192.0.2.1'] },
  'a record with another TTL': {
    send: ['+www.a. 61 IN A 192.0.2.1'],
    serial: 2,
    added: ['www.a. 61 IN A 192.0.2.1'],
    removed: ['www.a. 60 IN A 192.0.2.1'],
  },
  'a CNAME beside other records': { send: ['+www.a. 60 IN CNAME x.a.'] },
  'a record beside a CNAME': { send: ['+alias.a. 60 IN A 192.0.2.9'] },
  'a CNAME in place of another': {
    send: ['+alias.a. 60 IN CNAME x.a.'],
    serial: 2,
    added: ['alias.a. 60 IN CNAME x.a.'],
    removed: ['alias.a. 60 IN CNAME www.a.'],
  },
  'one record that is deleted': {
    send: ['-www.a. 0 IN A 192.0.2.1'],
    serial: 2,
    removed: ['www.a. 60 IN A 192.0.2.1'],
  },
  'an RRset that is deleted': {
    send: ['-www.a. A'],
    serial: 2,
    removed: ['www.a. 60 IN A 192.0.2.1', 'www.a. 60 IN A 192.0.2.2'],
  },
  'a name that is deleted': { send: ['-text.a.'], serial: 2, removed: ['text.a. 60 IN TXT "x"'] },
  'a name that is not there, deleted': { send: ['-none.a.', '-none.a. A', '-none.a. 0 IN A 192.0.2.1'] },
  'the apex, deleted': { send: ['-a.', '-a. NS', '-a. SOA'] },
  'all name servers, one by one': {
    send: ['-a. 0 IN NS ns.a.', '-a. 0 IN NS ns2.a.'],
    serial: 2,
    removed: ['a. 60 IN NS ns.a.'],
  },
  'an SOA with a newer serial': { send: ['+a. 60 IN SOA ns.a. host.a. 9 2 3 4 5'], serial: 9 },
  'an SOA with an older serial': { send: ['+a. 60 IN SOA ns.a. host.a. 4294967295 2 3 4 5'] },
  'an SOA with serial 0': { send: ['+a. 60 IN SOA ns.a. host.a. 0 2 3 4 5'], rcode: 'FORMERR' },
  'an SOA below the apex': { send: ['+x.a. 60 IN SOA ns.a. host.a. 9 2 3 4 5'], rcode: 'FORMERR' },
  'a name outside of the zone': { send: ['+www.b. 60 IN A 192.0.2.1'], rcode: 'NOTZONE' },
  'a DNSSEC record': { send: ['+x.a. 60 IN DS 1 8 2 00'], rcode: 'NOTIMP' },
  'a part that is invalid': { send: ['+new.a. 60 IN A 192.0.2.3', '+b. 60 IN A 192.0.2.3'], rcode: 'NOTZONE' },
  'a prerequisite that a name is in use': { send: ['?none.a.', '+new.a. 60 IN A 192.0.2.3'], rcode: 'NXDOMAIN' },
  'a prerequisite that a name is not in use': { send: ['!www.a.', '+new.a. 60 IN A 192.0.2.3'], rcode: 'YXDOMAIN' },
  'a prerequisite that an RRset is there': { send: ['?www.a. AAAA', '+new.a. 60 IN A 192.0.2.3'], rcode: 'NXRRSET' },
  'a prerequisite that an RRset is not there': { send: ['!www.a. A', '+new.a. 60 IN A 192.0.2.3'], rcode: 'YXRRSET' },
  'a prerequisite of part of an RRset': { send: ['?www.a. 0 IN A 192.0.2.1', '-www.a.'], rcode: 'NXRRSET' },
  'a prerequisite of an RRset': {
    send: ['?www.a. 0 IN A 192.0.2.2', '?WWW.a. 0 IN A 192.0.2.1', '-text.a.'],
    serial: 2,
    removed: ['text.a. 60 IN TXT "x"'],
  },
  'a prerequisite outside of the zone': { send: ['?www.b.', '-text.a.'], rcode: 'NOTZONE' },
}

describe('the plugin dynupdate', () => {
  for (const [what, { send: lines, rcode = 'NOERROR', serial = 1, added = [], removed = [] }] of Object.entries(cases))
    it(`an update of ${what} is ${rcode}${serial === 1 ? ', and changes nothing' : ''}`, async (t) => {
      const { instance } = started(t, folder(t))
      assert.equal(await send(instance, lines), rcode)
      const wanted = [...initial.filter((line) => !removed.includes(line)), ...added].toSorted()
      assert.deepEqual(zoneOf(instance), [`serial ${serial}`, ...wanted])
    })

  const permissions: readonly (readonly [string, string | undefined, readonly string[], string])[] = [
    ['allow k. * *', undefined, ['+x.a. 60 IN A 192.0.2.1'], 'REFUSED'],
    ['allow k. * *', 'other.', ['+x.a. 60 IN A 192.0.2.1'], 'REFUSED'],
    ['allow k. x.a. A', 'k.', ['+x.a. 60 IN A 192.0.2.1'], 'NOERROR'],
    ['allow k. X.a. a', 'k.', ['+x.A. 60 IN A 192.0.2.1'], 'NOERROR'],
    ['allow k. x.a. A', 'k.', ['+x.a. 60 IN TXT "x"'], 'REFUSED'],
    ['allow k. x.a. A', 'k.', ['+y.a. 60 IN A 192.0.2.1'], 'REFUSED'],
    ['allow k. @ TXT', 'k.', ['+a. 60 IN TXT "x"'], 'NOERROR'],
    ['allow k. x.a. A TXT', 'k.', ['-x.a.'], 'REFUSED'],
    ['allow k. x.a. ANY', 'k.', ['-x.a.'], 'NOERROR'],
    ['allow k. x.a. A\nallow k. y.a. A', 'k.', ['+x.a. 60 IN A 192.0.2.1', '+y.a. 60 IN A 192.0.2.1'], 'NOERROR'],
    ['allow k. x.a. A', 'k.', ['?none.a.', '+y.a. 60 IN A 192.0.2.1'], 'NXDOMAIN'],
    ['allow k. * *\nmax_update_records 1', 'k.', ['-x.a.', '-y.a.'], 'REFUSED'],
    ['allow k. * *\nmax_records 8', 'k.', ['+x.a. 60 IN A 192.0.2.1', '+y.a. 60 IN A 192.0.2.1'], 'REFUSED'],
  ]
  for (const [rule, key, lines, wanted] of permissions)
    it(`an update ${lines.join(', ')} with the key ${key} is ${wanted} under '${rule.replaceAll('\n', '|')}'`, async (t) => {
      const { instance } = started(t, folder(t), rule)
      const { answer, authority } = recordsOf(lines)
      assert.ok(answer.length + authority.length > 0)
      const query = ask('a. SOA', { request: { opcode: 5, answer, authority } })
      const outcome = await handle(instance, { ...query, signedWith: key }, () => ({ kind: 'drop', plugin: 'next' }))
      assert.equal(outcome.kind === 'reply' && rcodeName(outcome.message.rcode), wanted)
    })

  it('an update of another zone, also of one below, is NOTAUTH', async (t) => {
    const { instance } = started(t, folder(t))
    for (const zone of ['b.', 'sub.a.', '.']) assert.equal(await send(instance, [], 'k.', zone), 'NOTAUTH')
  })

  it('an update is in the next answer', async (t) => {
    const { instance } = started(t, folder(t))
    await send(instance, ['+new.a. 60 IN A 192.0.2.3'])
    const outcome = await handle(instance, ask('new.a. A'), () => ({ kind: 'drop', plugin: 'next' }))
    assert.ok(outcome.kind === 'reply' && outcome.message.answer.length === 1)
  })

  it('several updates that come together are done one after the other, and each sees the one before it', async (t) => {
    const { instance } = started(t, folder(t), 'allow k. * *\ndatabase zone')
    const codes = await Promise.all(
      Array.from({ length: 20 }, () => send(instance, ['!new.a.', '+new.a. 60 IN A 192.0.2.3'])),
    )
    assert.deepEqual(codes.toSorted(), ['NOERROR', ...Array.from({ length: 19 }, () => 'YXDOMAIN')])
  })

  it('an update is there after a restart, and the file of the zone is not looked at any more', async (t) => {
    const root = folder(t)
    const first = started(t, root, 'allow k. * *\ndatabase zone')
    await send(first.instance, ['+new.a. 60 IN A 192.0.2.3', '-www.a. A'])
    const zone = zoneOf(first.instance)
    await first.stop()
    writeFileSync(join(root, 'db'), 'broken')
    const second = started(t, root, 'allow k. * *\ndatabase zone')
    assert.deepEqual(zoneOf(second.instance), zone)
    await send(second.instance, ['-new.a.'])
    assert.equal(zoneOf(second.instance)[0], 'serial 3')
  })

  it('a reload keeps the zone of a database, and both configurations have each update', async (t) => {
    const root = folder(t)
    const first = started(t, root, 'allow k. * *\ndatabase zone')
    const second = started(t, root, 'allow k. * *\ndatabase zone', first.harness)
    await send(first.instance, ['+new.a. 60 IN A 192.0.2.3'])
    assert.deepEqual(zoneOf(second.instance), zoneOf(first.instance))
    await first.stop()
    assert.equal(await send(second.instance, ['-new.a.']), 'NOERROR')
  })

  it('a database that is cut off anywhere has all updates before the cut', async (t) => {
    const root = folder(t)
    const first = started(t, root, 'allow k. * *\ndatabase zone')
    const path = join(root, 'zone')
    const whole: { readonly octets: number; readonly zone: readonly string[] }[] = []
    await until(() => assert.ok(readFileSync(path).length > 0))
    whole.push({ octets: readFileSync(path).length, zone: zoneOf(first.instance) })
    for (const name of ['one', 'two', 'three']) {
      await send(first.instance, [`+${name}.a. 60 IN A 192.0.2.3`, '-text.a.'])
      whole.push({ octets: readFileSync(path).length, zone: zoneOf(first.instance) })
    }
    await first.stop()
    const all = readFileSync(path)
    for (let octets = whole[0].octets; octets <= all.length; octets++) {
      writeFileSync(path, all.subarray(0, octets))
      const { instance, stop } = started(t, root, 'allow k. * *\ndatabase zone')
      assert.deepEqual(zoneOf(instance), whole.findLast((each) => each.octets <= octets)!.zone, `${octets} octets`)
      await stop()
    }
    truncateSync(path, whole[2].octets)
    appendFileSync(path, new Uint8Array(4096))
    const { instance } = started(t, root, 'allow k. * *\ndatabase zone')
    assert.deepEqual(zoneOf(instance), whole[2].zone)
    assert.equal(await send(instance, ['+four.a. 60 IN A 192.0.2.3']), 'NOERROR')
  })

  it('an update that the disk takes only a part of is SERVFAIL, and those before it are kept', (t) => {
    const root = folder(t)
    const path = join(root, 'zone')
    // The system writes a part of what crosses the limit of a file's size, as on a disk that is nearly full.
    const script = `
      import { openJournal } from ${JSON.stringify(new URL('../../../src/plugins/dynupdate/journal.ts', import.meta.url).href)}
      const record = { name: 'text.a.', type: 16, class: 1, ttl: 60, rdata: Buffer.alloc(100, 'x') }
      record.rdata[0] = 99
      const journal = await openJournal(${JSON.stringify(path)}, 'a.', undefined, () => [record])
      let written = 0
      try {
        for (; written < 100; written++) await journal.append({ removed: [], added: [record] }, () => [record])
      } catch {}
      console.log(written)`
    const command = 'ulimit -f 2 && exec "$0" --input-type=module -e "$1"'
    const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, script], { encoding: 'utf8' })
    const written = Number(stdout)
    assert.ok(stdout !== '' && written > 0 && written < 100, stderr)
    const replayed = replay(path)!
    assert.deepEqual([replayed.changes.length, replayed.torn], [1 + written, 0])
  })

  it('an update that comes after the configuration has stopped is SERVFAIL, and leaves the database as it is', async (t) => {
    const root = folder(t)
    const first = started(t, root, 'allow k. * *\ndatabase zone')
    await send(first.instance, ['+one.a. 60 IN A 192.0.2.3'])
    await first.stop()
    const second = started(t, root, 'allow k. * *\ndatabase zone')
    await send(second.instance, ['+two.a. 60 IN A 192.0.2.3', '+two.a. 60 IN TXT "a longer one"'])
    const octets = readFileSync(join(root, 'zone'))
    await second.stop()
    assert.equal(await send(second.instance, ['+three.a. 60 IN A 192.0.2.3']), 'SERVFAIL')
    assert.deepEqual(readFileSync(join(root, 'zone')), octets)
  })

  it('a database that is damaged in the middle is refused', async (t) => {
    const root = folder(t)
    const first = started(t, root, 'allow k. * *\ndatabase zone')
    for (const name of ['one', 'two']) await send(first.instance, [`+${name}.a. 60 IN A 192.0.2.3`])
    await first.stop()
    const path = join(root, 'zone')
    const octets = readFileSync(path)
    const entryAt = 'slicedns-dynupdate-1\na.\n'.length
    // In its records, and in its length, which then leads beyond the file.
    for (const [at, bit] of [
      [60, 1],
      [entryAt, 0x40],
      [entryAt + 3, 1],
    ]) {
      const damaged = Buffer.from(octets)
      damaged[at] ^= bit
      writeFileSync(path, damaged)
      assert.throws(
        () => started(t, root, 'allow k. * *\ndatabase zone'),
        /cannot load zone "a\.": the database .*\/zone is damaged at octet \d+/,
        `octet ${at}`,
      )
    }
  })

  it('a database that cannot be written holds no file open, and leaves none behind', async (t) => {
    const root = folder(t)
    const path = join(root, 'zone')
    mkdirSync(path)
    const open = () => readdirSync('/proc/self/fd').length
    const failing = () => openJournal(path, 'a.', undefined, () => [])
    await assert.rejects(failing(), /EISDIR|EEXIST|ENOTEMPTY|rename/)
    const before = open()
    for (let times = 0; times < 20; times++) await assert.rejects(failing())
    assert.equal(open(), before)
    assert.deepEqual(readdirSync(root).sort(), ['db', 'zone'])
  })

  const databases: readonly (readonly [string, string | undefined, RegExp])[] = [
    ['zone', 'something else\n', /the database .*\/zone is not a database of dynupdate/],
    ['zone', 'slicedns-dynupdate-1\nb.\n', /the database .*\/zone has no zone/],
    ['db', undefined, /the database and the file of the zone must be different files/],
    ['.', undefined, /the database \/.* is not a regular file/],
  ]
  for (const [name, text, error] of databases)
    it(`a database ${name} with '${text?.trim().replaceAll('\n', '|') ?? 'what is there'}' is refused`, (t) => {
      const root = folder(t)
      if (text !== undefined) writeFileSync(join(root, name), text)
      assert.throws(() => started(t, root, `allow k. * *\ndatabase ${name}`), error)
    })

  it('a database that has grown by changes is written anew', async (t) => {
    const root = folder(t)
    const { instance, stop } = started(t, root, 'allow k. * *\ndatabase zone')
    const long = `"${'x'.repeat(250)}" `.repeat(250)
    for (let n = 0; n < 24; n++)
      assert.equal(await send(instance, [`${n % 2 ? '-' : '+'}big.a. 60 IN TXT ${long}`]), 'NOERROR')
    assert.ok(readFileSync(join(root, 'zone')).length < 1_500_000)
    const zone = zoneOf(instance)
    await stop()
    assert.deepEqual(zoneOf(started(t, root, 'allow k. * *\ndatabase zone').instance), zone)
  })

  const seeds: readonly (readonly [string, RegExp])[] = [
    ['@ 60 SOA ns host 0 2 3 4 5', /the serial of the SOA record must not be 0/],
    [`${seed}x DS 1 8 2 00`, /the zone has DS records/],
    [`${seed}www CNAME x`, /www\.a\. has a CNAME record and others/],
    [`${seed}b. A 192.0.2.1`, /the record of b\. is outside of the zone a\./],
  ]
  for (const [text, error] of seeds)
    it(`a zone whose file ends with '${text.split('\n').at(-1)}' is refused`, (t) => {
      const root = folder(t)
      writeFileSync(join(root, 'db'), `${text}\n`)
      assert.throws(() => started(t, root), error)
    })
})

const file = join(mkdtempSync(join(tmpdir(), 'dynupdate-')), 'db')
writeFileSync(file, seed)

specifySchema(dynupdate, {
  accepted: [
    `dynupdate a {|file ${file}|allow k * *|}`,
    `dynupdate {|file ${file}|allow k @ A AAAA any|allow k x. TYPE65|max_records 100|max_bytes 1000|max_update_records 1|}`,
  ],
  refused: [
    ['dynupdate a', /^Corefile:2:1 - 'file' is required/],
    [`dynupdate a {|file ${file}|}`, /^Corefile:2:1 - 'allow' is required/],
    [`dynupdate a b {|file ${file}|allow k * *|}`, /^Corefile:2:13 - Wrong argument count/],
    [`dynupdate a {|file ${file}|file ${file}|allow k * *|}`, /can only be given once/],
    [`dynupdate a {|file ${file}|allow k *|}`, /^Corefile:4:1 - Wrong argument count/],
    [`dynupdate a {|file ${file}|allow * * *|}`, /^Corefile:4:7 - '\*' is not the name of a key/],
    [`dynupdate a {|file ${file}|allow k www *|}`, /^Corefile:4:9 - 'www' is not in the zone a\./],
    [`dynupdate a {|file ${file}|allow k * * A|}`, /^Corefile:4:11 - '\*' must be the only type/],
    [
      `dynupdate a {|file ${file}|allow k * RRSIG|}`,
      /^Corefile:4:11 - 'RRSIG' is not a record type that updates may have/,
    ],
    [`dynupdate a {|file ${file}|allow k * AXFR|}`, /'AXFR' is not a record type/],
    [`dynupdate a {|file ${file}|allow k * *|max_records 0|}`, /^Corefile:5:13 - '0' is not an integer of at least 1/],
    [`dynupdate a {|file ${file}|allow k * *|}|dynupdate a {|file ${file}|allow k * *|}`, /dynupdate/],
  ],
})
