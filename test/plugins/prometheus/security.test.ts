import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { prometheus } from '../../../src/plugins/prometheus/index.ts'
import { createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import { freePort } from '../../support/ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-'))
after(() => rmSync(folder, { recursive: true }))

const openssl = spawnSync('openssl', ['version']).status === 0
const skip = openssl ? false : 'openssl, which makes the certificates, is not installed'

/** A self-signed certificate and its key: `NAME.crt`, `NAME.key`. */
function makeCertificate(name: string): void {
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...key, ...files, ...names], { cwd: folder, stdio: 'ignore' })
}
if (openssl) for (const name of ['server', 'client', 'stranger']) makeCertificate(name)
const read = (file: string) => readFileSync(join(folder, file))

function webConfig(text: string): string {
  const file = join(folder, `web-${Math.random()}.yaml`)
  writeFileSync(file, text)
  return file
}

/** The status of a scrape over TLS with the client's certificate, or the name of the error that it met. */
async function scrape(port: number, client?: string): Promise<number | string> {
  const identity = client === undefined ? {} : { cert: read(`${client}.crt`), key: read(`${client}.key`) }
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/metrics',
    ca: read('server.crt'),
    agent: false,
    ...identity,
  })
  try {
    const [response] = await once(asked.end(), 'response')
    await response.toArray()
    return response.statusCode
  } catch {
    return 'refused'
  }
}

describe('prometheus with tls', { skip }, () => {
  const clients = [undefined, 'client', 'stranger']
  const kinds: readonly (readonly [string, readonly (number | string)[]])[] = [
    ['NoClientCert', [200, 200, 200]],
    ['RequestClientCert', [200, 200, 200]],
    ['RequireAnyClientCert', ['refused', 200, 200]],
    ['VerifyClientCertIfGiven', [200, 200, 'refused']],
    ['RequireAndVerifyClientCert', ['refused', 200, 'refused']],
  ]
  for (const [kind, expected] of kinds)
    it(`prometheus with tls asks of clients what ${kind} says`, async () => {
      const harness = createPluginHarness()
      const port = await freePort()
      const file = webConfig(
        `tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: ${kind}\n${kind === 'NoClientCert' ? '' : '  client_ca_file: client.crt\n'}`,
      )
      const instance = setUp(prometheus, `prometheus 127.0.0.1:${port} {\ntls ${file}\n}`, harness)
      await instance.start?.()
      const found = []
      for (const client of clients) found.push(await scrape(port, client))
      assert.deepEqual(found, expected)
      await instance.stop?.()
      await harness.settled()
    })

  /** Serves with the web configuration and hands the port to the test. */
  async function withConfig(text: string, check: (port: number, lines: readonly string[]) => Promise<void>) {
    const harness = createPluginHarness()
    const port = await freePort()
    const instance = setUp(prometheus, `prometheus 127.0.0.1:${port} {\ntls ${webConfig(text)}\n}`, harness)
    await instance.start?.()
    await check(port, harness.lines)
    await instance.stop?.()
    await harness.settled()
  }

  const server = 'tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n'
  const verified = `${server}  client_ca_file: client.crt\n  client_auth_type: RequireAndVerifyClientCert\n`
  const sans: readonly (readonly [string, number | string])[] = [
    ['127.0.0.1', 200],
    ['scraper.example', 'refused'],
  ]
  for (const [allowed, expected] of sans)
    it(`a scrape with a certificate for 127.0.0.1 is ${expected} where client_allowed_sans has ${allowed}`, () =>
      withConfig(`${verified}  client_allowed_sans: [other.example, ${allowed}]\n`, async (port) => {
        assert.equal(await scrape(port, 'client'), expected)
      }))

  it('a certificate may be written into the web configuration itself', () => {
    const indented = (file: string) =>
      `|\n${read(file)
        .toString()
        .replaceAll(/^(?=.)/gm, '    ')}`
    const text = `tls_server_config:\n  cert: ${indented('server.crt')}  key: ${indented('server.key')}`
    return withConfig(text, async (port) => assert.equal(await scrape(port), 200))
  })

  it('a renewed certificate counts from the next connection on', () => {
    for (const kind of ['crt', 'key']) writeFileSync(join(folder, `renewed.${kind}`), read(`stranger.${kind}`))
    return withConfig(server.replaceAll('server.', 'renewed.'), async (port) => {
      assert.equal(await scrape(port), 'refused', 'another certificate than the one that the client trusts')
      for (const kind of ['crt', 'key']) writeFileSync(join(folder, `renewed.${kind}`), read(`server.${kind}`))
      assert.equal(await scrape(port), 200)
    })
  })

  for (const text of ['', 'tls_server_config: {}\n'])
    it(`a web configuration that reads ${JSON.stringify(text)} is plain HTTP`, () =>
      withConfig(text, async (port) => assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 200)))

  it('the headers of a web configuration are in the reply', () =>
    withConfig('http_server_config:\n  headers:\n    X-Frame-Options: deny\n', async (port) => {
      const { headers } = await fetch(`http://127.0.0.1:${port}/metrics`)
      assert.equal(headers.get('x-frame-options'), 'deny')
    }))

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['basic_auth_users:\n  a: b\n', /basic_auth_users is not supported/],
    ['tls_server_configs: {}\n', /unknown option 'tls_server_configs' in the web configuration/],
    ['- a\n', /the web configuration must have options/],
    ['a: [b\n c: d\n', /web[^/]*: Implicit keys of flow sequence pairs/],
    ['tls_server_config:\n  key_file: server.key\n', /tls_server_config needs cert_file or cert/],
    ['tls_server_config:\n  cert_file: server.crt\n', /tls_server_config needs key_file or key/],
    [`${server}  client_auth_type: Maybe\n`, /client_auth_type must be one of NoClientCert, /],
    [`${server}  client_ca_file: client.crt\n`, /client_ca needs a client_auth_type/],
    [`${server}  client_allowed_san: [a]\n`, /unknown option 'client_allowed_san' in tls_server_config/],
    [`${server}  client_allowed_sans: a\n`, /client_allowed_sans must be a list of names/],
    [`${server}  min_version: TLS14\n`, /min_version must be one of TLS10, TLS11, TLS12, TLS13/],
    [`${server}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n`, /cipher_suites is not supported/],
    ['http_server_config:\n  headers:\n    X-Frame-Options: maybe\n', /X-Frame-Options must be deny or sameorigin/],
    ['http_server_config:\n  headers:\n    Server: x\n', /unknown option 'Server' in headers/],
    ['tls_server_config:\n  cert_file: nosuch.crt\n  key_file: server.key\n', /no such file/],
  ]
  for (const [text, reason] of wrong)
    it(`prometheus with tls serves nothing with a web configuration that reads ${JSON.stringify(text)}`, async () => {
      const harness = createPluginHarness()
      const port = await freePort()
      const instance = setUp(prometheus, `prometheus 127.0.0.1:${port} {\ntls ${webConfig(text)}\n}`, harness)
      await instance.start?.()
      assert.match(harness.lines.join('\n'), /^\[ERROR\] plugin\/prometheus: Failed to start metrics handler: /)
      assert.match(harness.lines.join('\n'), reason)
      await assert.rejects(fetch(`http://127.0.0.1:${port}/metrics`))
      await instance.stop?.()
      await harness.settled()
    })
})
