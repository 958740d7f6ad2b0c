/**
 * Real resolvers as upstreams: what clients get through slicedns is what the resolver itself says. Each of them asks one
 * Knot DNS, which has the zone.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { rcodeName } from '../../src/dns/codes.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { loopbackClient, startLoopbackServer } from '../support/loopback-server.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-upstreams-'))
const cert = join(folder, 'cert.pem')
const key = join(folder, 'key.pem')
const children: ChildProcess[] = []
let authority: number

interface Ports {
  readonly dns: number
  readonly tls: number
  readonly https: number
}

interface Resolver {
  readonly program: string
  readonly args: (file: string) => readonly string[]
  readonly configuration: (ports: Ports) => string
  readonly over: readonly ('udp' | 'tcp' | 'tls' | 'https')[]
}

const resolvers: readonly Resolver[] = [
  {
    program: 'unbound',
    over: ['udp', 'tcp', 'tls', 'https'],
    args: (file) => ['-d', '-c', file],
    configuration: ({ dns, tls, https }) => `server:
  interface: 127.0.0.1@${dns}
  interface: 127.0.0.1@${tls}
  interface: 127.0.0.1@${https}
  tls-port: ${tls}
  https-port: ${https}
  tls-service-pem: "${cert}"
  tls-service-key: "${key}"
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  do-not-query-localhost: no
  domain-insecure: "example."
remote-control:
  control-enable: no
stub-zone:
  name: "example."
  stub-addr: 127.0.0.1@${authority}
`,
  },
  {
    program: 'dnsmasq',
    over: ['udp', 'tcp'],
    args: (file) => ['-k', '-C', file],
    configuration: ({ dns }) => `port=${dns}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
user=root
pid-file=
server=/example/127.0.0.1#${authority}
`,
  },
  {
    program: 'kresd',
    over: ['udp', 'tcp', 'tls'],
    args: (file) => ['-n', '-c', file, join(folder, 'kresd.d')],
    configuration: ({ dns, tls }) => `net.listen('127.0.0.1', ${dns}, { kind = 'dns' })
net.listen('127.0.0.1', ${tls}, { kind = 'tls' })
net.tls('${cert}', '${key}')
cache.size = 10 * MB
trust_anchors.remove('.')
policy.add(policy.suffix(policy.STUB('127.0.0.1@${authority}'), policy.todnames({'example.'})))
`,
  },
  {
    program: 'coredns',
    over: ['udp', 'tcp', 'tls', 'https'],
    args: (file) => ['-conf', file],
    configuration: ({ dns, tls, https }) =>
      [`.:${dns}`, `tls://.:${tls}`, `https://.:${https}`]
        .map((listener) => {
          const certificate = listener.startsWith('.') ? '' : `tls ${cert} ${key}\n`
          return `${listener} {\nbind 127.0.0.1\n${certificate}forward . 127.0.0.1:${authority}\n}\n`
        })
        .join(''),
  },
]

const questions = [
  'www.example. A',
  'www.example. AAAA',
  'alias.example. A',
  'mail.example. MX',
  'text.example. TXT',
  '_http._tcp.www.example. SRV',
  'WWW.example. A',
  'nosuch.example. A',
  'www.example. HTTPS',
  // More than a datagram takes.
  'many.example. A',
]

const many = Array.from({ length: 120 }, (_, i) => `many A 192.0.2.${i}`).join('\n')

async function start(program: string, args: readonly string[], ready: () => Promise<void>): Promise<void> {
  const [command, ...rest] = tied([peer(program)!, ...args])
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text
    })
  await until(ready, {
    unless: () => (child.exitCode === null ? undefined : `${program} has ended:\n${output}`),
  })
}

/** What each question is answered, by TCP where the answer is cut; without TTLs. */
async function answers(port: number, transport: 'udp' | 'tcp'): Promise<readonly string[]> {
  const client = loopbackClient('127.0.0.1', port, { payloadSize: 1232 })
  const said: string[] = []
  for (const { question, reply } of await client.ask(questions, transport)) {
    const first = parseMessage(reply!)
    const [whole] = first.truncated ? await client.ask([question], 'tcp') : []
    const { rcode, answer } = whole ? parseMessage(whole.reply!) : first
    const records = answer.map((record) => recordText({ ...record, ttl: 0 }).toLowerCase())
    said.push(`${question}: ${rcodeName(rcode)} ${records.toSorted().join(', ')}`)
  }
  return said
}

const skip = without('knotd', 'openssl')

before(async () => {
  if (skip) return
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=dns.test -addext subjectAltName=DNS:dns.test,IP:127.0.0.1 -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  )
  authority = await freePort()
  mkdirSync(join(folder, 'kresd.d'))
  writeFileSync(
    join(folder, 'example.zone'),
    `$TTL 300
@ SOA ns.example. host.example. 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
alias CNAME www
mail MX 10 www
text TXT "one" "two"
_http._tcp.www SRV 0 5 80 www
${many}
`,
  )
  const configuration = join(folder, 'knot.conf')
  writeFileSync(
    configuration,
    `server:
  listen: 127.0.0.1@${authority}
  rundir: ${folder}
database:
  storage: ${folder}/db
template:
  - id: default
    storage: ${folder}
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: example.
    file: example.zone
`,
  )
  await start('knotd', ['-c', configuration], async () => {
    for (const transport of ['tcp', 'udp'] as const)
      assert.match((await answers(authority, transport))[0], /192\.0\.2\.1.*192\.0\.2\.2/)
  })
})

after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

for (const { program, args, configuration, over } of resolvers)
  describe(`${program} as an upstream`, { skip: skip || without(program) }, () => {
    let ports: Ports
    let expected: readonly string[]

    before(async () => {
      ports = { dns: await freePort(), tls: await freePort(), https: await freePort() }
      const file = join(folder, `${program}.conf`)
      writeFileSync(file, configuration(ports))
      await start(program, args(file), async () => {
        for (const transport of ['tcp', 'udp'] as const)
          assert.match((await answers(ports.dns, transport))[0], /192\.0\.2\.1.*192\.0\.2\.2/)
      })
      expected = await answers(ports.dns, 'tcp')
    })

    for (const way of over)
      it(`${program} is asked over ${way}, and its answers are the clients'`, async () => {
        const to = way === 'tls' || way === 'https' ? `${way}://127.0.0.1:${ports[way]}` : `127.0.0.1:${ports.dns}`
        const options = { udp: '', tcp: 'force_tcp', tls: `tls ${cert}`, https: `tls ${cert}` }[way]
        const server = await startLoopbackServer(
          (port) => `.:${port} {\nbind 127.0.0.1\nforward . ${to} {\n${options}\n}\n}\n`,
        )
        try {
          const ask = async () => {
            for (const transport of ['udp', 'tcp'] as const)
              assert.deepEqual(await answers(server.port, transport), expected)
            return server.metric('slicedns_relayed_total')
          }
          const relayed = await ask()
          if (way !== 'udp') assert.equal(relayed, 0)
          // The relay begins when its thread has the plan: what is asked before that takes the chain.
          else await until(async () => assert.ok((await ask()) > 0))
        } finally {
          await server.stop()
        }
      })
  })
