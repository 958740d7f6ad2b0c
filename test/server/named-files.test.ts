/**
 * Files that a Corefile names and that are not there, or not what they should be: `check` says what the start says, at the same
 * place; of another machine's Corefile it only warns.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkCorefile, findingText } from '../../src/cli/findings.ts'
import { loadCorefile } from '../../src/corefile/load.ts'
import { dnstap } from '../../src/plugins/dnstap/index.ts'
import { plugins } from '../../src/plugins/index.ts'
import { configure } from '../../src/server/configuration.ts'
import { certificateFolder } from '../support/certificates.ts'
import { createPluginHarness, setUp } from '../support/plugin-harness.ts'
import { until } from '../support/until.ts'

/** What stands at the path. A circle of links cannot be read, whoever reads. */
const kinds = ['missing', 'folder', 'unreadable', 'malformed'] as const

/** `-`: the start refuses it. `w`: it starts, and logs why the file is of no use. `+`: it starts. In the order of `kinds`. */
type Verdicts = readonly [string, string, string, string]

const refusesAll: Verdicts = ['-', '-', '-', '-']

const cases: readonly (readonly [directive: string, verdicts: Verdicts])[] = [
  ['forward . FILE', refusesAll],
  ['forward . FILE 192.0.2.1', ['-', '-', '-', '+']],
  ['forward . tls://192.0.2.1 {\ntls FILE\n}', refusesAll],
  ['forward . tls://192.0.2.1 {\ntls FILE FILE\n}', refusesAll],
  ['grpc . FILE', refusesAll],
  ['grpc . 192.0.2.1 {\ntls FILE FILE\n}', refusesAll],
  ['tls FILE FILE', refusesAll],
  ['etcd example.org {\nendpoint https://192.0.2.1:2379\ntls FILE FILE\n}', refusesAll],
  ['file FILE example.org', ['w', '-', '-', '-']],
  ['file FILE example.org {\nreload 0\n}', refusesAll],
  ['auto example.org {\ndirectory FILE\n}', ['w', '+', '-', 'w']],
  ['dnssec example.org {\nkey file FILE\n}', refusesAll],
  ['sign zone example.org {\nkey file FILE\n}', refusesAll],
  ['tsig {\nsecrets FILE\n}', refusesAll],
  ['autopath FILE', ['-', '-', '-', '+']],
  ['loadbalance weighted FILE', ['w', '-', 'w', '-']],
  ['hosts FILE', ['w', 'w', 'w', '+']],
  ['root FILE', ['w', '+', '-', 'w']],
]

describe('a file that a Corefile names', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'slicedns-named-'))
    mkdirSync(join(folder, 'folder'))
    for (const name of ['unreadable', 'unreadable.key']) symlinkSync(name, join(folder, name))
    for (const name of ['malformed', 'malformed.key']) writeFileSync(join(folder, name), 'nothing of "use\n')
  })
  const certificates = certificateFolder()
  certificates.issue('server')
  after(() => {
    certificates.remove()
    rmSync(folder, { recursive: true })
  })

  const short = (text: string): string => text.replaceAll(`${folder}/`, '')

  function checked(text: string) {
    const file = join(folder, 'Corefile')
    writeFileSync(file, text)
    const { findings } = checkCorefile(file, plugins, 53)
    const said = (severity: 'error' | 'warning') =>
      findings.filter((each) => each.severity === severity).map((each) => short(findingText(each)))
    return { errors: said('error'), warnings: said('warning') }
  }

  async function started(text: string) {
    const file = join(folder, 'Corefile')
    writeFileSync(file, text)
    const { log, lines, metrics, clock, state } = createPluginHarness()
    const options = { plugins, defaultPort: 53, log, metrics, clock, process: state }
    let error: string[] = []
    try {
      const { blocks } = await configure(loadCorefile(file), options)
      for (const { plugins: all } of blocks) for (const { instance } of all) await instance.stop?.()
    } catch (failure) {
      error = [short((failure as Error).message)]
    }
    const logged = lines.filter((line) => /^\[(WARNING|ERROR)\]/.test(line)).map((line) => short(line))
    return { error, logged }
  }

  for (const [directive, verdicts] of cases) {
    for (const [at, kind] of kinds.entries()) {
      const verdict = verdicts[at]
      const does = { '-': 'are refused by', w: 'are told by', '+': 'are no matter for' }[verdict]
      it(`${kind} in ${directive.replaceAll('\n', ' ⏎ ')}: ${does} the start and check`, async () => {
        const text = `. {\n${directive.replaceAll('FILE', join(folder, kind))}\n}\n`
        const check = checked(text)
        const start = await started(text)
        assert.deepEqual(check.errors, start.error)
        assert.equal(start.error.length, verdict === '-' ? 1 : 0, start.error.join())
        if (verdict === '-') return assert.match(start.error[0]!, /^Corefile:[2-4]:\d+ - /)
        const texts = check.warnings.map((line) => line.replace(/^.*?warning: /, ''))
        assert.deepEqual(
          texts,
          start.logged.map((line) => line.replace(/^\[\w+\] /, '')),
        )
        assert.equal(texts.length > 0, verdict === 'w')
      })
    }
  }

  // The start makes the file that is not there.
  for (const [where, path, refused] of [
    ['a new file', 'keys.log', ''],
    ['a file', 'malformed', ''],
    ['a folder', 'folder', 'illegal operation on a directory'],
    ['a folder that is not there', 'nowhere/keys.log', 'no such file or directory'],
    ['a circle of links', 'unreadable', 'too many symbolic links encountered'],
  ] as const)
    it(`keylog of tls in ${where}: the start and check say the same, and check makes no file`, async () => {
      const { path: own } = certificates
      const text = `. {\ntls ${own}/server.pem ${own}/server.key {\nkeylog ${join(folder, path)}\n}\n}\n`
      const wasThere = existsSync(join(folder, path))
      const check = checked(text)
      assert.equal(existsSync(join(folder, path)), wasThere)
      const start = await started(text)
      assert.deepEqual(check.errors, start.error)
      if (refused === '') assert.match(check.warnings.join(), /plugin\/tls: Writing TLS Key Log to/)
      else assert.ok(check.errors.join().endsWith(refused), check.errors.join())
    })

  it('the start and check report zone files that auto finds and cannot read', async () => {
    const zones = join(folder, 'zones')
    mkdirSync(zones)
    writeFileSync(
      join(zones, 'db.example.org'),
      '@ 60 IN SOA ns admin 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n',
    )
    writeFileSync(join(zones, 'db.example.net'), 'nothing of "use\n')
    symlinkSync('db.example.com', join(zones, 'db.example.com'))
    const text = `. {\nauto {\ndirectory ${zones}\n}\n}\n`
    const { errors, warnings } = checked(text)
    const start = await started(text)
    assert.deepEqual([errors, start.error], [[], []])
    const texts = warnings.map((line) => line.replace(/^.*?warning: /, ''))
    assert.deepEqual(texts.sort(), start.logged.map((line) => line.replace(/^\[\w+\] /, '')).sort())
    assert.deepEqual(
      texts.map((line) => /zone "(.*?)"/.exec(line)?.[1]),
      ['example.com.', 'example.net.'],
    )
  })

  for (const kind of ['none', ...kinds])
    it(`the certificate of a dnstap listener is ${kind}: check says what the start logs`, async () => {
      const at = join(folder, kind)
      const directive = `dnstap listen tls://127.0.0.1:0 {\n${kind === 'none' ? '' : `tls ${at} ${at}`}\n}`
      const { errors, warnings } = checked(`. {\n${directive}\n}\n`)
      assert.deepEqual(errors, [])
      const harness = createPluginHarness()
      const plugin = setUp(dnstap, directive, harness)
      await plugin.start?.()
      const [logged] = await until(() => {
        assert.ok(harness.lines.length > 0)
        return harness.lines
      })
      await plugin.stop?.()
      assert.deepEqual(warnings, [
        `Corefile:2:1 - warning: plugin/dnstap: ${short(logged!).replace(/^.*?plugin\/\S+: |^\[\w+\] /, '')}`,
      ])
    })

  it('a relative path is looked for in the folder of root', async () => {
    const text = `. {\nroot ${folder}\nfile malformed example.org\n}\n`
    assert.match(checked(text).errors.join(), /^Corefile:3:6 - plugin\/file: cannot load zone/)
    assert.deepEqual(checked(text).errors, (await started(text)).error)
  })

  for (const [option, files] of [
    ['kubeconfig FILE', 1],
    ['endpoint https://192.0.2.1\ntls FILE FILE FILE', 3],
    ['manifests FILE', 1],
  ] as const) {
    it(`kubernetes { ${option.replaceAll('\n', ' ⏎ ')} }: check warns, for the server starts and tries again`, () => {
      const { errors, warnings } = checked(
        `. {\nkubernetes {\n${option.replaceAll('FILE', join(folder, 'missing'))}\n}\n}\n`,
      )
      assert.deepEqual(errors, [])
      assert.equal(warnings.length, files)
      for (const each of warnings)
        assert.match(
          each,
          /^Corefile:2:1 - warning: plugin\/kubernetes: cannot read missing: .*retrying until it works/,
        )
    })
  }

  it('a file that is missing is only warned of where the Corefile is in a ConfigMap: the server runs elsewhere', () => {
    const corefile = '    . {\n        forward . /missing/resolv.conf\n    }\n'
    const { errors, warnings } = checked(`apiVersion: v1\nkind: ConfigMap\ndata:\n  Corefile: |\n${corefile}`)
    assert.deepEqual(errors, [])
    assert.match(
      warnings.join(),
      /^Corefile:6:9 - warning: the start would fail on this machine: plugin\/forward: .*no such file/,
    )
  })
})
