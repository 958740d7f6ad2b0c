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
        `tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: client.crt\n  client_auth_type: ${kind}\n`,
      )
      const instance = setUp(prometheus, `prometheus 127.0.0.1:${port} {\ntls ${file}\n}`, harness)
      await instance.start?.()
      const found = []
      for (const client of clients) found.push(await scrape(port, client))
      assert.deepEqual(found, expected)
      await instance.stop?.()
      await harness.settled()
    })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['basic_auth_users:\n  a: b\ntls_server_config: {}\n', /basic_auth_users is not supported/],
    ['', /tls_server_config is missing/],
    ['- a\n', /not a web configuration/],
    ['tls_server_config:\n  key_file: server.key\n', /tls_server_config\.cert_file must name a file/],
    ['tls_server_config:\n  client_auth_type: Maybe\n', /client_auth_type must be one of NoClientCert, /],
    ['tls_server_config:\n  min_version: TLS10\n', /min_version must be TLS12 or TLS13/],
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
