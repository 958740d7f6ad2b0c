/** Zones of a directory: which files are zones, and how the directory is followed. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { auto } from '../../../src/plugins/auto/index.ts'
import { transferSource } from '../../../src/plugins/transfer/capability.ts'
import { ask, createPluginHarness, handle, setUp } from '../../support/plugin-harness.ts'
import { specifySchema } from '../../support/schema-cases.ts'
import { until } from '../../support/until.ts'

const zone = (address: string, serial = 1) => `@ 60 SOA ns host ${serial} 2 3 4 5\n@ NS ns\nwww A ${address}\n`

function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'auto-'))
  t.after(() => rmSync(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}

async function seen(instance: Instance, name: string, request = {}): Promise<string> {
  const outcome = await handle(instance, ask(`${name} A`, { request }), () => ({ kind: 'drop', plugin: 'next' }))
  if (outcome.kind === 'drop') return 'passed'
  if (outcome.kind === 'rcode') return rcodeName(outcome.rcode)
  const [answer] = outcome.message.answer
  return answer ? recordText(answer).split(' ').at(-1)! : rcodeName(outcome.message.rcode)
}

/** What it has for each name. */
async function allSeen(instance: Instance, names: readonly string[]): Promise<string[]> {
  return Promise.all(names.map((name) => seen(instance, name)))
}

function started(t: TestContext, path: string, rest = '', zones = ['.']) {
  const harness = createPluginHarness()
  const instance = setUp(auto, `auto ${rest.startsWith('{') ? rest : `{\ndirectory ${path} ${rest}\n}`}`, harness, {
    zones,
  })
  void instance.start?.()
  t.after(() => instance.stop?.())
  return { harness, instance, at: (name: string) => seen(instance, name) }
}

describe('the plugin auto', () => {
  it('files named db.ZONE are zones, in folders below too; all other names go to the next plugin', async (t) => {
    const path = folder(t, { 'db.a.example': zone('192.0.2.1'), 'below/db.b.example': zone('192.0.2.2'), other: 'x' })
    const { instance } = started(t, path)
    const names = ['www.a.example.', 'www.b.example.', 'none.a.example.', 'www.c.example.']
    assert.deepEqual(await allSeen(instance, names), ['192.0.2.1', '192.0.2.2', 'NXDOMAIN', 'passed'])
    assert.deepEqual(capabilityOf(instance, transferSource)?.zones, ['b.example.', 'a.example.'])
  })

  it('names outside of the zones of the directive go to the next plugin', async (t) => {
    const path = folder(t, { 'db.a.example': zone('192.0.2.1'), 'db.b.test': zone('192.0.2.2') })
    const { instance } = started(t, path, '', ['example.'])
    assert.deepEqual(await allSeen(instance, ['www.a.example.', 'www.b.test.']), ['192.0.2.1', 'passed'])
  })

  const namings: readonly (readonly [string, string, string])[] = [
    ['(.*)\\.zone {1}', 'a.example.zone', 'a.example.'],
    ['(.*)-(.*) {2}.{1}', 'example-a', 'a.example.'],
    ['(?P<name>.*)\\.db {name}.example', 'a.db', 'a.example.'],
    ['^(.*)$ $1', 'A.example', 'a.example.'],
  ]
  for (const [naming, file, name] of namings)
    it(`a file ${file} is the zone ${name} where '${naming}' names it`, async (t) => {
      const { at } = started(t, folder(t, { [file]: zone('192.0.2.1') }), naming)
      assert.equal(await at(`www.${name}`), '192.0.2.1')
    })

  it('of two files of a zone the first counts, and the other is warned of once', async (t) => {
    const { harness, at } = started(t, folder(t, { 'a/db.x': zone('192.0.2.1'), 'b/db.x': zone('192.0.2.2') }))
    harness.clock.advance(120_000)
    assert.equal(await at('www.x.'), '192.0.2.1')
    assert.equal(harness.lines.filter((line) => line.includes('is left out')).length, 1)
  })

  it('a file that is invalid is left out, and the others serve', async (t) => {
    const path = folder(t, { 'db.a': 'bogus', 'db.b': zone('192.0.2.2') })
    const { harness, instance } = started(t, path)
    assert.deepEqual(await allSeen(instance, ['www.a.', 'www.b.']), ['passed', '192.0.2.2'])
    assert.match(harness.lines.join('\n'), /\[WARNING\] plugin\/auto: cannot load zone "a\."/)
    writeFileSync(join(path, 'db.a'), zone('192.0.2.1'))
    harness.clock.advance(60_000)
    await until(async () => assert.equal(await seen(instance, 'www.a.'), '192.0.2.1'))
  })

  it('a file that appears is a zone, one that goes is not any more, and one with another serial is read again', async (t) => {
    const path = folder(t, { 'db.a': zone('192.0.2.1'), 'db.b': zone('192.0.2.2') })
    const { harness, instance } = started(t, path)
    writeFileSync(join(path, 'db.c'), zone('192.0.2.3'))
    writeFileSync(join(path, 'db.b'), zone('192.0.2.22', 2))
    rmSync(join(path, 'db.a'))
    harness.clock.advance(60_000)
    await until(async () =>
      assert.deepEqual(await allSeen(instance, ['www.a.', 'www.b.', 'www.c.']), ['passed', '192.0.2.22', '192.0.2.3']),
    )
    assert.deepEqual(capabilityOf(instance, transferSource)?.zones, ['b.', 'c.'])
  })

  it('a zone whose file moves is answered all the while', async (t) => {
    const path = folder(t, { 'one/db.a': zone('192.0.2.1') })
    const { harness, instance } = started(t, path)
    mkdirSync(join(path, 'two'))
    renameSync(join(path, 'one/db.a'), join(path, 'two/db.a'))
    harness.clock.advance(60_000)
    assert.equal(await seen(instance, 'www.a.'), '192.0.2.1')
  })

  it('a directory that appears later is found', async (t) => {
    const path = join(folder(t, {}), 'later')
    const { harness, instance } = started(t, path)
    assert.match(harness.lines.join('\n'), /the directory .*later does not exist/)
    mkdirSync(path)
    writeFileSync(join(path, 'db.a'), zone('192.0.2.1'))
    harness.clock.advance(60_000)
    await until(async () => assert.equal(await seen(instance, 'www.a.'), '192.0.2.1'))
  })

  it('a mounted ConfigMap is read without a warning', async (t) => {
    const path = folder(t, { '..2026/db.a': zone('192.0.2.1') })
    symlinkSync('..2026', join(path, '..data'))
    symlinkSync('..data/db.a', join(path, 'db.a'))
    const { harness, at } = started(t, path)
    assert.equal(await at('www.a.'), '192.0.2.1')
    assert.doesNotMatch(harness.lines.join('\n'), /WARNING/)
  })

  it('reload 0 looks once', async (t) => {
    const path = folder(t, { 'db.a': zone('192.0.2.1') })
    const { harness, at } = started(t, path, `{\ndirectory ${path}\nreload 0\n}`)
    writeFileSync(join(path, 'db.b'), zone('192.0.2.2'))
    harness.clock.advance(600_000)
    assert.equal(await at('www.b.'), 'passed')
  })
})

specifySchema(auto, {
  accepted: [
    'auto',
    'auto {|directory /nonexistent|}',
    'auto a.example {|directory /nonexistent (.*) {1}|reload 10s x|upstream|}',
    'auto {|directory /nonexistent|}|auto b {|reload 0|}',
  ],
  refused: [
    ['auto {|directory|}', /^Corefile:3:1 - directory must have a path/],
    ['auto {|directory / x {1}|}', /^Corefile:3:13 - the regular expression must have a group/],
    ['auto {|directory / (x|}', /^Corefile:3:13 - /],
    ['auto {|directory / (x)|}', /^Corefile:3:13 - the template of the zone is missing/],
    ['auto {|directory / (x) {1} y|}', /^Corefile:3:21 - unexpected 'y' after the template/],
    ['auto {|reload|}', /^Corefile:3:1 - reload must have a duration/],
    ['auto {|reload -1s|}', /^Corefile:3:8 - '-1s' is not a duration/],
    ['auto {|fallthrough|}', /^Corefile:3:1 - unknown property 'fallthrough' of auto/],
  ],
})
