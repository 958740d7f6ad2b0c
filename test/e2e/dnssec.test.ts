/** What validators say of signed replies (delv, unbound), and what the real CoreDNS signs with the same key. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type } from '../../src/dns/codes.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { readKeyFiles } from '../../src/dnssec/key-files.ts'
import { canonicalRRset, signRRset } from '../../src/dnssec/rrsig.ts'
import { type DigReply, dig } from '../support/dig.ts'
import { type LoopbackServer, startLoopbackServer } from '../support/loopback-server.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'dnssec-'))

const zoneText = `$TTL 3600
@ SOA ns1 hostmaster 1 7200 1800 86400 30
@ NS ns1
@ NS ns2
ns1 A 192.0.2.1
ns2 A 192.0.2.2
www 300 A 192.0.2.10
www 300 A 192.0.2.11
www AAAA 2001:db8::1
mixed.case A 192.0.2.12
alias CNAME www
out CNAME www.example.net.
mail MX 10 www
_s._tcp SRV 0 5 80 www
txt TXT "a" "b c"
*.wild A 192.0.2.20
sub NS ns.sub
ns.sub A 192.0.2.30
sec NS ns.sub
sec DS 12345 13 2 ${'AB'.repeat(32)}
a.b.c A 192.0.2.40
`

const manifest = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.10, ports: [{ name: http, port: 80, protocol: TCP }] }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { clusterIP: None, ports: [{ name: sql, port: 5432, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-1, namespace: shop, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: sql, port: 5432, protocol: TCP }]
endpoints:
- { addresses: [10.244.1.2], hostname: db-0, conditions: { ready: true } }
- { addresses: [10.244.1.3], hostname: db-1, conditions: { ready: true } }
`

interface Key {
  readonly base: string
  readonly zone: string
  /** The DNSKEY record. */
  readonly record: string
}

async function made(zone: string, command: readonly [string, ...string[]]): Promise<Key> {
  const [program, ...words] = command
  const { stdout } = await run(peer(program)!, [...words, zone], { cwd: folder })
  const base = join(folder, stdout.trim())
  const record = readFileSync(`${base}.key`, 'utf8')
    .split('\n')
    .find((line) => line.includes('DNSKEY'))!
  return { base, zone, record: record.replace(/\s*;.*/, '') }
}

const keygen = (algorithm: string, ...more: readonly string[]) =>
  ['dnssec-keygen', '-q', '-f', 'KSK', '-a', algorithm, ...more] as const

/** By zone: a zone for each algorithm, and for each tool that makes keys. */
const tools: readonly (readonly [string, readonly [string, ...string[]]])[] = [
  ['ed25519.test', keygen('ED25519')],
  ['p256.test', keygen('ECDSAP256SHA256')],
  ['p384.test', keygen('ECDSAP384SHA384')],
  ['rsa256.test', keygen('RSASHA256', '-b', '2048')],
  ['rsa512.test', keygen('RSASHA512', '-b', '2048')],
  ['ldns.test', ['ldns-keygen', '-k', '-a', 'ECDSAP256SHA256']],
  ['cluster.local', keygen('ECDSAP256SHA256')],
]

const skip = without('dig', 'delv', 'dnssec-keygen', 'ldns-keygen', 'unbound', 'coredns')

const keys = new Map<string, Key>()
let server: LoopbackServer

const block = (port: number, { base, zone }: Key) => `
${zone}:${port} {
  bind 127.0.0.1
  cache 30
  dnssec {
    key file ${base}
  }
  ${zone === 'cluster.local' ? `kubernetes {\n    manifests ${folder}/manifests\n  }` : `file ${folder}/db`}
}
`

before(async () => {
  if (skip) return
  writeFileSync(join(folder, 'db'), zoneText)
  mkdirSync(join(folder, 'manifests'))
  writeFileSync(join(folder, 'manifests', 'all.yaml'), manifest)
  for (const [zone, command] of tools) keys.set(zone, await made(zone, command))
  server = await startLoopbackServer((port) => [...keys.values()].map((key) => block(port, key)).join(''))
})

after(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true })
})

describe('signed replies and delv', { skip }, () => {
  async function delv(zone: string, name: string, qtype: string): Promise<string> {
    const words = /DNSKEY\s+(\d+)\s+(\d+)\s+(\d+)\s+(.*)/.exec(keys.get(zone)!.record)!
    const [, flags, protocol, algorithm, publicKey] = words
    const anchors = join(folder, 'anchors')
    writeFileSync(anchors, `trust-anchors { ${zone}. static-key ${flags} ${protocol} ${algorithm} "${publicKey}"; };`)
    const where = ['@127.0.0.1', '-p', `${server.port}`, '-a', anchors, `+root=${zone}`]
    // It prints what it found to either stream, and ends with an error where a name is denied.
    return run('delv', [...where, name, qtype]).then(
      ({ stdout, stderr }) => stdout + stderr,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
    )
  }

  for (const [zone] of tools.slice(0, -1)) {
    it(`an answer, a denied type and a denied name of ${zone} are valid`, async () => {
      assert.match(await delv(zone, `www.${zone}`, 'A'), /; fully validated\n[\s\S]*192\.0\.2\.10/)
      assert.match(await delv(zone, `www.${zone}`, 'MX'), /; negative response, fully validated/)
      assert.match(await delv(zone, `nope.${zone}`, 'A'), /; negative response, fully validated/)
    })
  }

  const others: readonly (readonly [string, string, RegExp])[] = [
    ['x.wild', 'A', /fully validated\n[\s\S]*192\.0\.2\.20/],
    ['alias', 'A', /fully validated\n[\s\S]*CNAME[\s\S]*192\.0\.2\.10/],
    ['MiXed.CaSe', 'A', /fully validated\n[\s\S]*192\.0\.2\.12/],
    ['MiXed.CaSe', 'TXT', /negative response, fully validated/],
    ['_s._tcp', 'SRV', /fully validated\n[\s\S]*0 5 80/],
    ['b.c', 'A', /negative response, fully validated/],
    ['sub', 'DS', /negative response, fully validated/],
    ['sec', 'DS', /fully validated\n[\s\S]*12345/],
  ]
  for (const [name, qtype, expected] of others)
    it(`the reply to ${name} ${qtype} is valid`, async () => {
      assert.match(await delv('ed25519.test', `${name}.ed25519.test`, qtype), expected)
    })

  const cluster: readonly (readonly [string, string, RegExp])[] = [
    ['web.shop.svc', 'A', /fully validated\n[\s\S]*10\.96\.0\.10/],
    ['db.shop.svc', 'A', /fully validated\n[\s\S]*10\.244\.1\.3/],
    ['_sql._tcp.db.shop.svc', 'SRV', /fully validated\n[\s\S]*db-1\.db\.shop\.svc\.cluster\.local/],
    ['db-0.db.shop.svc', 'A', /fully validated\n[\s\S]*10\.244\.1\.2/],
    ['web.shop.svc', 'AAAA', /negative response, fully validated/],
    ['nope.shop.svc', 'A', /negative response, fully validated/],
    ['www.example.com.shop.svc', 'A', /negative response, fully validated/],
  ]
  for (const [name, qtype, expected] of cluster)
    it(`the reply to the cluster's ${name} ${qtype} is valid`, async () => {
      assert.match(await delv('cluster.local', `${name}.cluster.local`, qtype), expected)
    })
})

describe('signed replies and the fast path', { skip }, () => {
  const ask = (flags: readonly string[]) =>
    dig('web.shop.svc.cluster.local', 'A', { port: server.port, flags: ['+norec', ...flags] })

  it('a query without DO is answered by the table, one with DO is not', async () => {
    const before = server.answeredByTable()
    assert.equal((await ask(['+nodnssec'])).answer.length, 1)
    assert.equal(server.answeredByTable(), before + 1)
    assert.equal((await ask(['+dnssec'])).answer.length, 2)
    assert.equal(server.answeredByTable(), before + 1)
  })

  it('a signed reply that the cache keeps is repeated by the table', async () => {
    const asked = () => dig('txt.p256.test', 'TXT', { port: server.port, flags: ['+norec', '+dnssec'] })
    const first = await asked()
    await until(async () => {
      const before = server.answeredByTable()
      assert.deepEqual((await asked()).answer.length, first.answer.length)
      assert.ok(server.answeredByTable() > before)
    })
  })
})

describe('signed replies and unbound', { skip }, () => {
  it('unbound, which validates, says AD of answers and denials of a file and of the cluster', async () => {
    const port = await freePort()
    const zones = ['ed25519.test', 'rsa256.test', 'cluster.local']
    const stubs = zones.map(
      (zone) => `stub-zone:\n  name: ${zone}\n  stub-addr: 127.0.0.1@${server.port}\n  stub-prime: no\n`,
    )
    const configuration = `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  interface: 127.0.0.1
  port: ${port}
  do-not-query-localhost: no
  do-daemonize: no
  use-syslog: no
  local-zone: "test." nodefault
  module-config: "validator iterator"
${zones.map((zone) => `  trust-anchor: "${keys.get(zone)!.record}"`).join('\n')}
${stubs.join('')}remote-control:
  control-enable: no
`
    writeFileSync(join(folder, 'unbound.conf'), configuration)
    const child = spawn(peer('unbound')!, ['-d', '-c', join(folder, 'unbound.conf')], { stdio: 'ignore' })
    try {
      const ask = (name: string, qtype: string) => dig(name, qtype, { port, flags: ['+dnssec', '+time=5'] })
      await until(() => ask('www.ed25519.test', 'A'))
      const names = ['www', 'nope', 'x.wild', 'alias', 'MiXed.case', 'sub'].flatMap((name) =>
        ['ed25519.test', 'rsa256.test'].map((zone) => [`${name}.${zone}`, name === 'sub' ? 'DS' : 'A'] as const),
      )
      const cluster = [
        ['web.shop.svc.cluster.local', 'A'],
        ['_sql._tcp.db.shop.svc.cluster.local', 'SRV'],
        ['nope.shop.svc.cluster.local', 'A'],
        ['web.shop.svc.cluster.local', 'TXT'],
      ] as const
      for (const [name, qtype] of [...names, ...cluster]) {
        const { rcode, flags } = await ask(name, qtype)
        assert.deepEqual([rcode, flags.includes('ad')], ['NOERROR', true], `${name} ${qtype}`)
      }
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('signed replies and the real CoreDNS', { skip }, () => {
  const zone = 'ed25519.test'
  const questions = [
    'www A',
    'www MX',
    'www DS',
    'www NSEC',
    'www TYPE65400',
    'nope A',
    'NoPe AAAA',
    'nope NSEC',
    'nope DS',
    '@ SOA',
    '@ NS',
    '@ DNSKEY',
    '@ MX',
    '@ NSEC',
    '@ DS',
    'mixed.case A',
    'alias A',
    'alias CNAME',
    'alias MX',
    'out A',
    'mail MX',
    '_s._tcp SRV',
    'txt TXT',
    'x.wild A',
    'x.wild AAAA',
    'wild A',
    'sub A',
    'sub DS',
    'sec DS',
    'www.sec A',
    'c A',
    'a.b.c A',
    'www DNSKEY',
  ]
  let theirs: number
  let stop: () => void = () => undefined

  before(async () => {
    if (skip) return
    theirs = await freePort()
    writeFileSync(join(folder, 'Corefile'), block(theirs, keys.get(zone)!).replace(/^ *cache.*\n/m, ''))
    const child = spawn(peer('coredns')!, ['-conf', join(folder, 'Corefile')], { stdio: 'ignore' })
    stop = () => child.kill('SIGKILL')
    await until(() => dig(zone, 'SOA', { port: theirs }))
    await server.load(block(server.port, keys.get(zone)!).replace(/^ *cache.*\n/m, ''))
  })
  after(() => stop())

  const asked = async (port: number, question: string): Promise<DigReply> => {
    const [name, qtype] = question.split(' ')
    return dig(name === '@' ? zone : `${name}.${zone}`, qtype, { port, tcp: true, flags: ['+dnssec', '+norec'] })
  }
  /** Without times and signatures. */
  const facts = ({ rcode, flags, ...sections }: DigReply) => {
    const lines = Object.entries(sections).flatMap(([section, records]) =>
      records.map((line) => `${section} ${line.replace(/(RRSIG( \S+){4}) \d+ \d+ (\d+ \S+) .*/, '$1 $3')}`),
    )
    return { rcode, flags, lines: lines.toSorted() }
  }

  for (const question of questions)
    it(`the reply to ${question} is CoreDNS's`, async () => {
      assert.deepEqual(facts(await asked(server.port, question)), facts(await asked(theirs, question)))
    })

  it('every signature of CoreDNS is the one that is made here for its times', async () => {
    const key = readKeyFiles(keys.get(zone)!.base)
    let compared = 0
    for (const question of questions) {
      const { answer, authority, additional } = await asked(theirs, question)
      const records = [...new Set([...answer, ...authority, ...additional])].map(parseRecord)
      for (const signature of records.filter((record) => record.type === type.RRSIG)) {
        const covered = (signature.rdata[0] << 8) | signature.rdata[1]
        const rrset = records.filter((record) => record.name === signature.name && record.type === covered)
        const view = new DataView(signature.rdata.buffer, signature.rdata.byteOffset)
        const times = { expiration: view.getUint32(8), inception: view.getUint32(12) }
        const terms = { signer: `${zone}.`, originalTtl: 3600, ...times }
        const rdata = await signRRset(key, rrset[0], canonicalRRset(rrset, 3600), terms)
        assert.equal(recordText({ ...signature, rdata }), recordText(signature), question)
        compared++
      }
    }
    assert.ok(compared >= questions.length, `${compared}`)
  })
})
