import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { checkText, findingText } from '../../../src/cli/findings.ts'
import { serverTls } from '../../../src/plugin/capabilities/server-tls.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { bind } from '../../../src/plugins/bind/index.ts'
import { prometheus } from '../../../src/plugins/prometheus/index.ts'
import { shed } from '../../../src/plugins/shed/index.ts'
import { tls } from '../../../src/plugins/tls/index.ts'
import { view } from '../../../src/plugins/view/index.ts'
import { whoami } from '../../../src/plugins/whoami/index.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'
import { serve } from '../../support/serving.ts'

const plugins = [bind, shed, prometheus, tls, whoami, view]
const certificates = certificateFolder()
after(certificates.remove)
const { path: folder, authority } = certificates
for (const name of ['one', 'other']) certificates.issue(name)
for (const [from, to] of [
  ['one.pem', 'copy.pem'],
  ['one.key', 'copy.key'],
  ['ca.pem', 'ca-copy.pem'],
])
  writeFileSync(join(folder, to), readFileSync(join(folder, from)))
writeFileSync(join(folder, 'garbage.pem'), 'no certificate\n')

/** The common name in the certificate of a new handshake. */
async function nameAt(port: number): Promise<string | string[] | undefined> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.cert })
  await once(socket, 'secureConnect')
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return CN
}

const block = (key: string, files: string, ...more: readonly string[]) =>
  `${key} {\nbind 127.0.0.1\n${files}\n${more.join('\n')}\nwhoami\n}\n`
const useFiles = (name: string) => `tls ${folder}/${name}.pem ${folder}/${name}.key`
const keyLogOf = (plugin: Instance) => capabilityOf(plugin, serverTls)!.keyLog!

describe('tls', () => {
  it('certificates that change on disk are in the next handshake, without a reload', async () => {
    const port = await freePort()
    certificates.issue('renewed')
    certificates.issue('first')
    for (const end of ['pem', 'key']) symlinkSync(join(folder, `first.${end}`), join(folder, `link.${end}`))
    const serving = await serve(plugins, block(`tls://.:${port}`, useFiles('link')))
    assert.equal(await nameAt(port), 'first')
    // As Kubernetes does it with a Secret: the path leads elsewhere from one moment to the next.
    for (const end of ['pem', 'key']) {
      symlinkSync(join(folder, `renewed.${end}`), join(folder, `next.${end}`))
      renameSync(join(folder, `next.${end}`), join(folder, `link.${end}`))
    }
    assert.equal(await nameAt(port), 'renewed')
    await serving.stop()
  })

  it('certificates that cannot be used any more stay as they were, and the log says so once', async () => {
    const port = await freePort()
    certificates.issue('broken')
    const serving = await serve(plugins, block(`tls://.:${port}`, useFiles('broken')))
    writeFileSync(join(folder, 'broken.pem'), 'half a certif')
    assert.deepEqual([await nameAt(port), await nameAt(port)], ['broken', 'broken'])
    const said = serving.lines.filter((line) => line.includes('the new certificate cannot be used'))
    assert.equal(said.length, 1, serving.lines.join('\n'))
    certificates.issue('broken')
    assert.equal(await nameAt(port), 'broken')
    await serving.stop()
  })

  it('keys of TLS sessions are written to the file of keylog, readable by the owner alone', async () => {
    const port = await freePort()
    const file = join(folder, 'keys.log')
    const serving = await serve(plugins, block(`tls://.:${port}`, `${useFiles('one')} {\nkeylog ${file}\n}`))
    await nameAt(port)
    assert.match(readFileSync(file, 'latin1'), /^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} /m)
    assert.ok(serving.lines.some((line) => line.includes(`Writing TLS Key Log to "${file}"`)))
    await serving.stop()
    rmSync(file)
  })

  it('a handshake that ends after its key log is not written, and nothing fails', async () => {
    const file = join(folder, 'closed.log')
    const plugin = setUp(tls, `${useFiles('one')} {\nkeylog ${file}\n}`, createPluginHarness())
    const write = keyLogOf(plugin)
    write(Buffer.from('first\n'))
    await plugin.stop?.()
    write(Buffer.from('second\n'))
    assert.equal(readFileSync(file, 'latin1'), 'first\n')
  })

  it('a key log that cannot be written is an error in the log, once', async () => {
    const harness = createPluginHarness()
    const plugin = setUp(tls, `${useFiles('one')} {\nkeylog /dev/full\n}`, harness)
    for (const line of ['first\n', 'second\n']) keyLogOf(plugin)(Buffer.from(line))
    assert.equal(
      harness.lines.filter((line) => line.includes('the TLS key log "/dev/full" cannot be written')).length,
      1,
    )
    await plugin.stop?.()
  })

  it('queries over TLS count as tcp under the listener of their scheme', async () => {
    const port = await freePort()
    const serving = await serve(plugins, block(`tls://.:${port}`, useFiles('one'), 'prometheus 127.0.0.1:0'))
    const socket = connect({ host: '127.0.0.1', port, ca: authority.cert })
    socket.write(Buffer.from('001b00070100000100000000000001610765 78616d706c650000010001'.replace(' ', ''), 'hex'))
    await once(socket, 'data')
    socket.destroy()
    const labels = `family="1",proto="tcp",server="tls://127.0.0.1:${port}",type="A",view="",zone="."`
    assert.equal(await serving.metric(`coredns_dns_requests_total{${labels}}`), 1)
    await serving.stop()
  })
})

describe('a Corefile with tls that cannot be served', () => {
  const [a, b] = ['a.example', 'b.example']
  const conflict = (reason: string) =>
    new RegExp(
      `^Corefile:LINE:1 - conflicting TLS configuration for shared listener tls://127\\.0\\.0\\.1:PORT between zones "a\\.example\\." and "b\\.example\\.": ${reason}$`,
    )
  const ca = `${folder}/ca.pem`
  const refused: readonly (readonly [what: string, first: string, second: string, says: RegExp])[] = [
    ['certificates that differ', useFiles('one'), useFiles('other'), conflict('server certificates differ')],
    ['TLS in one block alone', useFiles('one'), '', conflict('TLS is configured for only one server block')],
    [
      'client authentication that differs',
      useFiles('one'),
      `${useFiles('one')} {\nclient_auth request\n}`,
      conflict('client authentication policies differ'),
    ],
    [
      'authorities of clients that differ',
      `${useFiles('one')} ${ca}`,
      `${useFiles('one')} ${folder}/one.pem`,
      conflict('client CA pools differ'),
    ],
  ]
  for (const [what, first, second, says] of refused)
    it(`${what} on one listener are an error at the second key, for check and at the start`, async () => {
      const port = await freePort()
      const text = block(`tls://${a}:${port}`, first) + block(`tls://${b}:${port}`, second)
      const line = block('', first).split('\n').length
      const expected = new RegExp(says.source.replace('PORT', String(port)).replace('LINE', String(line)))
      const { findings } = checkText(text, 'Corefile', plugins, { dnsPort: 53 })
      assert.deepEqual(
        findings.map(findingText).filter((line) => !expected.test(line)),
        [],
      )
      assert.equal(findings.length, 1)
      await assert.rejects(serve(plugins, text), ({ message }: Error) => expected.test(message))
    })

  const accepted: readonly (readonly [what: string, text: (port: number) => string])[] = [
    [
      'copies of one certificate',
      (port) =>
        block(`tls://${a}:${port}`, `${useFiles('one')} ${ca}`) +
        block(`tls://${b}:${port}`, `${useFiles('copy')} ${folder}/ca-copy.pem`),
    ],
    [
      'certificates that differ at two ports',
      (port) => block(`tls://${a}:${port}`, useFiles('one')) + block(`tls://${b}:${port + 1}`, useFiles('other')),
    ],
    [
      'a block for plain DNS whose certificates differ, with a key of each scheme',
      (port) =>
        block(`tls://${a}:${port} ${a}:${port + 1}`, useFiles('one')) + block(`${b}:${port + 1}`, useFiles('other')),
    ],
  ]
  for (const [what, text] of accepted)
    it(`${what} can be served`, async () => {
      const corefile = text(await freePort())
      assert.deepEqual(checkText(corefile, 'Corefile', plugins, { dnsPort: 53 }).findings, [])
      await (await serve(plugins, corefile)).stop()
    })

  const wrong: readonly (readonly [what: string, files: string, says: RegExp])[] = [
    [
      'a missing file',
      `tls ${folder}/none.pem ${folder}/one.key`,
      /^Corefile:3:1 - plugin\/tls: could not load TLS cert: .*none\.pem/,
    ],
    [
      'the key of another certificate',
      `tls ${folder}/one.pem ${folder}/other.key`,
      /^Corefile:3:1 - plugin\/tls: .*one\.pem and .*other\.key: /,
    ],
    ['a file that is no certificate', `tls ${folder}/garbage.pem ${folder}/one.key`, /^Corefile:3:1 - plugin\/tls: /],
    [
      'a CA that is no certificate',
      `${useFiles('one')} ${folder}/garbage.pem`,
      /^Corefile:3:1 - plugin\/tls: .*garbage\.pem has no certificate/,
    ],
  ]
  for (const [what, files, says] of wrong)
    it(`${what} is named`, async () => {
      const text = block(`tls://.:${await freePort()}`, files)
      await assert.rejects(serve(plugins, text), ({ message }: Error) => says.test(message))
    })

  it('shed in a block with an encrypted key is refused, for check and at the start', async () => {
    const text = block(`.:${await freePort()} tls://.:853`, useFiles('one'), 'shed')
    const says =
      'Corefile:4:1 - plugin/shed: only plain DNS server blocks are supported; "tls://.:853" uses transport "tls"'
    assert.deepEqual(checkText(text, 'Corefile', plugins, { dnsPort: 53 }).findings.map(findingText), [says])
    await assert.rejects(serve(plugins, text), ({ message }: Error) => message === says)
  })

  it('two schemes at one address and port are refused at the second key', async () => {
    const port = await freePort()
    const text = block(`tls://${a}:${port}`, useFiles('one')) + block(`${b}:${port}`, '')
    const says = `Corefile:7:1 - dns://b.example. cannot be served at 127.0.0.1:${port}, where tls://a.example. is: give it another port`
    assert.deepEqual(checkText(text, 'Corefile', plugins, { dnsPort: 53 }).findings.map(findingText), [says])
    await assert.rejects(serve(plugins, text), ({ message }: Error) => message === says)
  })
})
