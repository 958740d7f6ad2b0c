/** What `sign` writes, judged by the verifiers of BIND and ldns, and beside what the real CoreDNS writes with the same keys. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { dig } from '../support/dig.ts'
import { writeKeyFiles } from '../support/dnssec-keys.ts'
import { type LoopbackServer, startLoopbackServer } from '../support/loopback-server.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'sign-'))
const zone = 'example.org'
const text = `$TTL 3600
@ SOA ns1 hostmaster 1 7200 1800 86400 30
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.10
www A 192.0.2.11
mixed.CASE TXT "a" "b c"
*.wild A 192.0.2.20
sub NS ns.sub
ns.sub A 192.0.2.30
sec NS ns.sub
sec DS 12345 13 2 ${'AB'.repeat(32)}
a.b.c A 192.0.2.40
_s._tcp SRV 0 5 80 www
`
const skip = without('dig', 'dnssec-verify', 'ldns-verify-zone', 'coredns')

const block = (port: number, directory: string, keys: readonly string[]) => `
${zone}:${port} {
  bind 127.0.0.1
  sign ${folder}/db {
    key file ${keys.join(' ')}
    directory ${folder}/${directory}
  }
  file ${folder}/${directory}/db.${zone}.signed {
    reload 100ms
  }
}
`

/** Without times and signatures. */
const facts = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase())
    .map((line) => line.replace(/(rrsig( \S+){4}) \d+ \d+ (\d+ \S+) .*/, '$1 $3'))
    .map((line) => line.replace(/(soa \S+ \S+) \d+/, '$1 serial'))
    .toSorted()

describe('a zone that sign has signed', { skip }, () => {
  let server: LoopbackServer
  const file = join(folder, 'ours', `db.${zone}.signed`)
  const keys = (['ED25519', 'ECDSAP256SHA256', 'RSASHA256'] as const).map(
    (algorithm) => writeKeyFiles(folder, algorithm, { zone: `${zone}.`, algorithm }).base,
  )

  before(async () => {
    writeFileSync(join(folder, 'db'), text)
    for (const each of ['ours', 'theirs']) mkdirSync(join(folder, each))
    server = await startLoopbackServer((port) => block(port, 'ours', keys))
    await until(() => assert.ok(existsSync(file)))
  })
  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true })
  })

  it('the verifiers of BIND and ldns accept the file', async () => {
    // -z: a key that signs everything has the SEP bit.
    await run(peer('dnssec-verify')!, ['-z', '-o', zone, file])
    const { stdout } = await run(peer('ldns-verify-zone')!, [file])
    assert.match(stdout, /Zone is verified and complete/)
  })

  it('the file is served', async () => {
    await until(async () => {
      const { answer } = await dig(`www.${zone}`, 'A', { port: server.port, flags: ['+dnssec', '+norec'] })
      assert.equal(answer.length, 2 + keys.length)
    })
  })

  it('the file has the records of CoreDNS’s', async () => {
    const port = await freePort()
    writeFileSync(join(folder, 'Corefile'), block(port, 'theirs', keys))
    const child = spawn(peer('coredns')!, ['-conf', join(folder, 'Corefile')], { stdio: 'ignore' })
    try {
      const theirs = join(folder, 'theirs', `db.${zone}.signed`)
      await until(() => assert.ok(existsSync(theirs)))
      assert.deepEqual(facts(file), facts(theirs))
    } finally {
      child.kill('SIGKILL')
    }
  })
})
