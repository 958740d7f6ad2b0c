/** Zones on their way from other people's primaries through slicedns to other people's secondaries: all of them are equal. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type LoopbackServer, startLoopbackServer } from '../support/loopback-server.ts'
import { without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'
import {
  soaOf,
  startZoneServer,
  wholeZone,
  type ZoneServerName,
  type ZoneServerOptions,
  zoneServers,
} from '../support/zone-servers.ts'

const zone = 'example.org'
const key = { name: 'transfer.example.', secret: Buffer.from('0123456789abcdef0123456789abcdef').toString('base64') }

const text = (serial: number, ...more: readonly string[]) => `
$TTL 300
$ORIGIN example.org.
@ 600 IN SOA ns1 admin ${serial} 7200 1800 86400 60
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
alias CNAME www
*.wild TXT "a \\"quoted\\" text"
sub NS ns.sub
ns.sub A 192.0.2.54
dname DNAME target.example.net.
_http._tcp SRV 0 5 80 www
mail MX 10 www
caa CAA 0 issue "ca.example"
https HTTPS 1 . alpn=h2
sp\\032ace A 192.0.2.91
x TYPE65280 \\# 4 0a000001
${Array.from({ length: 600 }, (_, n) => `host-${n} A 10.0.${n >> 8}.${n & 255}`).join('\n')}
${more.join('\n')}
`

interface Way {
  readonly from: ZoneServerName | 'file'
  readonly to: ZoneServerName
  readonly key: ZoneServerOptions['key']
}

const ways: readonly Way[] = [
  ...zoneServers.flatMap((from) => [
    { from, to: from === 'knotd' ? ('nsd' as const) : ('knotd' as const), key: undefined },
    { from, to: from === 'nsd' ? ('knotd' as const) : ('nsd' as const), key },
  ]),
  { from: 'file', to: 'coredns', key: undefined },
  { from: 'file', to: 'named', key: undefined },
  { from: 'knotd', to: 'named', key },
]

/** Our server between both: secondary or owner of the zone, which it gives on. */
async function startOurs(t: TestContext, { from, key: signing }: Way, primary: number) {
  const folder = mkdtempSync(join(tmpdir(), 'zones-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'db'), text(1))
  writeFileSync(join(folder, 'keys'), `key "${key.name}" {\n  secret "${key.secret}";\n};\n`)
  chmodSync(join(folder, 'keys'), 0o600)
  const server = await startLoopbackServer(
    (port) => `${zone}:${port} {
      bind 127.0.0.1
      ${signing ? `tsig {\nsecrets ${folder}/keys\nrequire AXFR IXFR\n}` : ''}
      transfer {
        to *
      }
      ${from === 'file' ? `file ${folder}/db` : `secondary {\ntransfer from 127.0.0.1:${primary}\n${signing ? `key ${key.name}` : ''}\n}`}
    }`,
  )
  t.after(server.stop)
  return server
}

const serialAt = async (port: number): Promise<number> => Number((await soaOf(port, zone)).split(' ')[2])

async function equalTo(port: number, wanted: readonly string[], signing: Way['key']): Promise<void> {
  const got = await wholeZone(port, zone, signing)
  assert.deepEqual(
    { missing: wanted.filter((line) => !got.includes(line)), extra: got.filter((line) => !wanted.includes(line)) },
    { missing: [], extra: [] },
  )
}

describe('zones from and to other servers', { skip: without('dig', 'knotd', 'nsd', 'coredns', 'named') }, () => {
  for (const way of ways)
    it(`a zone of ${way.from} goes to ${way.to}${way.key ? ', signed' : ''}, and is equal everywhere`, async (t) => {
      const primary =
        way.from === 'file' ? undefined : await startZoneServer(way.from, { zone, text: text(1), key: way.key })
      if (primary) t.after(primary.stop)
      const ours = await startOurs(t, way, primary?.port ?? 9)
      await until(async () => assert.equal(await serialAt(ours.port), 1))
      const wanted = await wholeZone(primary?.port ?? ours.port, zone, way.key)
      assert.ok(wanted.length > 600)
      await equalTo(ours.port, wanted, way.key)
      const secondary = await startZoneServer(way.to, { zone, from: ours.port, key: way.key })
      t.after(secondary.stop)
      await equalTo(secondary.port, wanted, way.key)
    })

  for (const name of ['knotd', 'named'] as const)
    for (const signing of [undefined, key])
      it(`a change in ${name} comes by NOTIFY and IXFR${signing ? ', signed' : ''}`, async (t) => {
        const port = await freePort()
        const primary = await startZoneServer(name, { zone, text: text(1), key: signing, notify: port })
        t.after(primary.stop)
        const ours = await startAt(t, port, primary.port, signing)
        await until(async () => assert.equal(await serialAt(ours.port), 1))
        await primary.change(text(2, 'new A 192.0.2.77'))
        await until(async () => assert.equal(await serialAt(ours.port), 2))
        assert.match(ours.lines.join('\n'), /Transferred: example\.org\. from .* \(IXFR\), SOA serial 2/)
        await equalTo(ours.port, await wholeZone(primary.port, zone, signing), signing)
      })
})

async function startAt(t: TestContext, port: number, primary: number, signing: Way['key']): Promise<LoopbackServer> {
  const tsig = signing ? `tsig {\nsecret ${signing.name} ${signing.secret}\n}` : ''
  const from = `secondary {\ntransfer from 127.0.0.1:${primary}\n${signing ? `key ${signing.name}` : ''}\n}`
  const server = await startLoopbackServer(
    () => `${zone}:${port} {\nbind 127.0.0.1\n${tsig}\ntransfer {\nto *\n}\n${from}\n}`,
    { port },
  )
  t.after(server.stop)
  return server
}
