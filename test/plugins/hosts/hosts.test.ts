/** Names from a hosts file and from the Corefile. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { relayPassage } from '../../../src/plugin/capabilities/relay.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { parseHosts } from '../../../src/plugins/hosts/hosts-file.ts'
import { hosts } from '../../../src/plugins/hosts/index.ts'
import { ask, createPluginHarness, handle, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'

async function seen(instance: Instance, question: string): Promise<string> {
  const outcome = await handle(instance, ask(question), () => ({ kind: 'drop', plugin: 'next' }))
  if (outcome.kind === 'drop') return 'passed'
  if (outcome.kind === 'rcode') return rcodeName(outcome.rcode)
  return outcome.message.answer.map((record) => recordText(record).split(' ').slice(3).join(' ')).join(', ') || 'empty'
}

const inline = `hosts /nonexistent {
    10.1.1.1 alpha.example alpha
    10.1.1.2 alpha.example
    2001:db8::1 alpha.example
    10.1.1.3 *.wild.example
    10.1.1.4 one.wild.example
    2001:db8::2 *.wild.example
    ::ffff:10.9.9.9 mapped.example
    fallthrough
}`

describe('the plugin hosts', () => {
  it('names below a wildcard and IPv6 reverse names are not relayed past hosts', () => {
    const passage = (text: string) => capabilityOf(setUp(hosts, text), relayPassage)!.zones
    assert.deepEqual(passage(inline), ['wild.example.', 'ip6.arpa.'])
    assert.deepEqual(passage('hosts /nonexistent {\n10.1.1.1 a.example\nno_reverse\nfallthrough\n}'), [])
    assert.deepEqual(passage('hosts /nonexistent example {\nno_reverse\n}'), ['example.'])
  })

  const cases: readonly (readonly [string, string])[] = [
    ['alpha.example. A', 'A 10.1.1.1, A 10.1.1.2'],
    ['ALPHA.example. AAAA', 'AAAA 2001:db8::1'],
    ['alpha. A', 'A 10.1.1.1'],
    ['alpha.example. TXT', 'empty'],
    ['foo.wild.example. A', 'A 10.1.1.3'],
    ['one.wild.example. A', 'A 10.1.1.4'],
    ['one.wild.example. AAAA', 'AAAA 2001:db8::2'],
    ['a.b.wild.example. A', 'passed'],
    ['wild.example. A', 'passed'],
    ['mapped.example. A', 'A 10.9.9.9'],
    ['1.1.1.10.in-addr.arpa. PTR', 'PTR alpha.example., PTR alpha.'],
    ['3.1.1.10.in-addr.arpa. PTR', 'passed'],
    ['1.1.1.10.in-addr.arpa. A', 'passed'],
    ['missing.example. A', 'passed'],
  ]
  for (const [question, expected] of cases)
    it(`a query for ${question} gets ${expected}`, async () =>
      assert.equal(await seen(setUp(hosts, inline), question), expected))

  it('a missing name fails without fallthrough, and a missing address passes all the same', async () => {
    const instance = setUp(hosts, 'hosts /nonexistent {\n10.1.1.1 a.example\nno_reverse\n}')
    assert.equal(await seen(instance, 'b.example. A'), 'SERVFAIL')
    assert.equal(await seen(instance, '1.1.1.10.in-addr.arpa. PTR'), 'passed')
  })

  it('names outside of ZONES pass', async () => {
    const instance = setUp(hosts, 'hosts /nonexistent a.example {\n10.1.1.1 x.a.example x.b.example\n}')
    assert.equal(await seen(instance, 'x.a.example. A'), 'A 10.1.1.1')
    assert.equal(await seen(instance, 'x.b.example. A'), 'passed')
  })

  it('other types of a name that is there pass with fallthrough_unsupported', async () => {
    const instance = setUp(hosts, 'hosts /nonexistent {\n10.1.1.1 a.example\nfallthrough\nfallthrough_unsupported\n}')
    assert.equal(await seen(instance, 'a.example. TXT'), 'passed')
    assert.equal(await seen(instance, 'a.example. AAAA'), 'empty')
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['hosts {\nttl\n}', /ttl must have a number of seconds/],
    ['hosts {\nttl 0\n}', /Corefile:3:5/],
    ['hosts {\nreload -1s\n}', /Corefile:3:8/],
    ['hosts {\nfallthrough\n10.0.0.1 a\n}', /entries must come before fallthrough/],
    ['hosts {\nfallthrough_unsupported\n}', /requires fallthrough/],
    ['hosts\nhosts', /can only be used once/],
  ]
  for (const [text, message] of wrong)
    it(`the directive ${JSON.stringify(text)} is refused`, () => assert.throws(() => setUp(hosts, text), message))
})

describe('a hosts file', () => {
  function scratch(t: { after(end: () => void): void }): string {
    const folder = mkdtempSync(join(tmpdir(), 'hosts-'))
    t.after(() => rmSync(folder, { recursive: true }))
    return folder
  }

  it('a hosts file is read again when it changes, and stays as it was while it is away', async (t) => {
    const file = join(scratch(t), 'hosts')
    writeFileSync(file, '10.0.0.1 a.example\n')
    const harness = createPluginHarness()
    const instance = setUp(hosts, `hosts ${file} {\nreload 5s\nfallthrough\n}`, harness)
    await instance.start?.()
    t.after(() => instance.stop?.())
    assert.equal(await seen(instance, 'a.example. A'), 'A 10.0.0.1')
    writeFileSync(file, '10.0.0.2 a.example b.example\n')
    utimesSync(file, new Date(), new Date(Date.now() + 5000))
    await until(async () => {
      harness.clock.advance(5000)
      assert.equal(await seen(instance, 'b.example. A'), 'A 10.0.0.2')
    })
    rmSync(file)
    await until(() => {
      harness.clock.advance(5000)
      assert.match(harness.lines.join('\n'), /File does not exist/)
    })
    assert.equal(await seen(instance, 'a.example. A'), 'A 10.0.0.2')
    assert.match(await harness.metrics.text(), /coredns_hosts_entries\{hostsfile=".*hosts"\} 4/)
  })

  it('a hosts file that is a folder is not read, with an error', (t) => {
    const harness = createPluginHarness()
    setUp(hosts, `hosts ${scratch(t)} {\nfallthrough\n}`, harness)
    assert.match(harness.lines.join('\n'), /cannot read hosts file .*: is not a regular file/)
  })

  it('a hosts file may write a letter as an escape, capitals among them', () => {
    const { names } = parseHosts('10.0.0.1 \\065b.example\n', {
      zones: ['.'],
      reverse: false,
      source: '',
      onError: assert.fail,
    })
    assert.deepEqual([...names.keys()], ['ab.example.'])
  })

  it('a hosts file loses a field of more than 1,024 octets, with an error that names source and line', () => {
    const errors: string[] = []
    const text = `10.0.0.1 ok.example ${'x'.repeat(1025)}\n${'1'.repeat(1025)} y.example\n10.0.0.2 z.example ${'w '.repeat(40_000)}`
    const entries = parseHosts(text, {
      zones: ['.'],
      reverse: false,
      source: 'Hosts file "f"',
      onError: (line) => errors.push(line),
    })
    assert.deepEqual([...entries.names.keys()], ['ok.example.', 'z.example.', 'w.'])
    assert.deepEqual(errors, [
      'Hosts file "f", line 1: name longer than 1024 bytes, dropping the name',
      'Hosts file "f", line 2: address longer than 1024 bytes, dropping the line',
    ])
  })
})
