/** Updates of nsupdate, beside CoreDNS; and what is left of them when the server is killed at any moment. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { soaOf, wholeZone } from '../support/zone-servers.ts'

const run = promisify(execFile)
const secret = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const zone = 'example.org'

const seed = `$TTL 60
@ SOA ns host 1 7200 1800 86400 60
@ NS ns
@ NS ns2
ns A 192.0.2.53
www A 192.0.2.1
www A 192.0.2.2
alias CNAME www
`

const corefile = (port: number, folder: string) => `${zone}:${port} {
  bind 127.0.0.1
  tsig {
    secret k. ${secret}
    require_opcode UPDATE
  }
  transfer {
    to *
  }
  dynupdate {
    file ${folder}/db
    database ${folder}/database
    allow k. * *
  }
}
`

function folderOf(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'updates-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  writeFileSync(join(path, 'db'), seed)
  return path
}

/** Sends one update; the response code in nsupdate's words, NOERROR where it has none. */
async function update(port: number, lines: readonly string[], key = `hmac-sha256:k.:${secret}`): Promise<string> {
  const script = [`server 127.0.0.1 ${port}`, `zone ${zone}`, ...lines, 'send', ''].join('\n')
  const words = key === '' ? ['-t', '5', '-r', '0'] : ['-t', '5', '-r', '0', '-y', key]
  const child = run('nsupdate', words)
  child.child.stdin!.end(script)
  try {
    await child
    return 'NOERROR'
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    return (
      /update failed: (\w+)|TSIG error with server: (.*)/.exec(stderr)?.slice(1).find(Boolean) ?? `silence: ${stderr}`
    )
  }
}

/** What both servers are sent, in this order. */
const updates: readonly (readonly string[])[] = [
  ['update add new.example.org. 30 A 192.0.2.3'],
  ['update add NEW.example.org. 30 AAAA 2001:db8::3', 'update add text.example.org. 60 TXT "a b" "c"'],
  ['update add www.example.org. 60 CNAME x.example.org.'],
  ['update add alias.example.org. 60 CNAME other.example.org.'],
  ['update add alias.example.org. 60 A 192.0.2.9'],
  ['prereq nxdomain www.example.org.', 'update delete www.example.org.'],
  ['prereq yxdomain nosuch.example.org.', 'update delete www.example.org.'],
  ['prereq nxrrset www.example.org. A', 'update delete www.example.org.'],
  ['prereq yxrrset www.example.org. AAAA', 'update delete www.example.org.'],
  ['prereq yxrrset www.example.org. A 192.0.2.1', 'update delete www.example.org.'],
  [
    'prereq yxrrset www.example.org. A 192.0.2.2',
    'prereq yxrrset www.example.org. A 192.0.2.1',
    'update delete www.example.org. A 192.0.2.1',
  ],
  ['update delete example.org.', 'update delete example.org. NS'],
  ['update delete example.org. NS ns.example.org.', 'update delete example.org. NS ns2.example.org.'],
  ['update add example.org. 60 SOA ns.example.org. host.example.org. 50 7200 1800 86400 60'],
  ['update add example.org. 60 SOA ns.example.org. host.example.org. 40 7200 1800 86400 60'],
  [`update add x.example.org. 60 DS 1 8 2 ${'AB'.repeat(32)}`],
  ['update add x.example.net. 60 A 192.0.2.1'],
  [
    'update add _http._tcp.example.org. 60 SRV 0 5 80 WWW.example.org.',
    'update add mx.example.org. 60 MX 5 mail.example.org.',
  ],
  ['update delete _http._tcp.example.org. SRV 0 5 80 www.example.org.'],
  ['update delete nosuch.example.org. A'],
  ['update add ttl.example.org. 60 A 192.0.2.1'],
  ['update add ttl.example.org. 61 A 192.0.2.1'],
  ['update delete text.example.org.'],
]

describe('updates of nsupdate', { skip: without('nsupdate', 'dig', 'coredns') }, () => {
  it('every update has the response of CoreDNS, and leaves the same zone', async (t) => {
    const folders = [folderOf(t), folderOf(t)]
    const ours = await startServer({ corefile: ({ dns }) => corefile(dns, folders[0]) })
    t.after(() => ours.stop())
    const port = await freePort()
    writeFileSync(join(folders[1], 'Corefile'), corefile(port, folders[1]))
    const coredns = spawn(peer('coredns')!, ['-conf', join(folders[1], 'Corefile')], { stdio: 'ignore' })
    t.after(() => void coredns.kill('SIGTERM'))
    await until(() => soaOf(port, zone))
    await until(() => soaOf(ours.ports.dns, zone))
    for (const lines of updates) {
      assert.equal(await update(ours.ports.dns, lines), await update(port, lines), lines.join('; '))
      assert.deepEqual(await wholeZone(ours.ports.dns, zone), await wholeZone(port, zone), lines.join('; '))
    }
    assert.equal(await update(ours.ports.dns, updates[0], ''), await update(port, updates[0], ''))
    for (const key of [`hmac-sha256:other.:${secret}`, 'hmac-sha256:k.:AAAA'])
      assert.notEqual(await update(ours.ports.dns, ['update delete ns.example.org.'], key), 'NOERROR')
    assert.deepEqual(await wholeZone(ours.ports.dns, zone), await wholeZone(port, zone))
  })

  it('every update that was answered is there after SIGKILL, and none in part', async (t) => {
    const folder = folderOf(t)
    const answered = new Set<number>()
    let sent = 0
    for (let round = 0; round < 4; round++) {
      const server = await startServer({ corefile: ({ dns }) => corefile(dns, folder) })
      t.after(() => server.stop().catch(() => undefined))
      await until(() => soaOf(server.ports.dns, zone))
      const there = await wholeZone(server.ports.dns, zone)
      for (const number of answered)
        assert.ok(there.includes(`a-${number}.example.org. 60 in a 192.0.2.9`), `update ${number}`)
      for (let number = 0; number < sent; number++) {
        const [a, b] = ['a', 'b'].map((name) => there.includes(`${name}-${number}.example.org. 60 in a 192.0.2.9`))
        assert.equal(a, b, `update ${number}`)
      }
      const before = answered.size
      const stream = (async () => {
        while (server.process.exitCode === null && server.process.signalCode === null) {
          const number = sent++
          const lines = ['a', 'b'].map((name) => `update add ${name}-${number}.example.org. 60 A 192.0.2.9`)
          if ((await update(server.ports.dns, lines)) === 'NOERROR') answered.add(number)
        }
      })()
      await until(() => assert.ok(answered.size >= before + 3))
      process.kill(server.pid, 'SIGKILL')
      await server.exited
      await stream
    }
    assert.ok(answered.size >= 12)
  })
})
