/** slicedns as the target of a stub domain: real forwarders hand `cluster.local` on to it, their clients ask them. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dig } from '../support/dig.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'
import { type ServedCluster, serveCluster, sizes, zone } from './cluster.ts'
import { sumBy } from './metrics.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-forwarders-'))
const reverseZone = '10.in-addr.arpa'
const children: ChildProcess[] = []
let cluster: ServedCluster
let world: number

before(async () => {
  if (without('dnsmasq', 'dig')) return
  world = await freePort()
  await start('dnsmasq', ['-k', '-C', file('world', outside(world))], { port: world, ready: 'www.example.com' })
  cluster = await serveCluster({ upstream: `127.0.0.1:${world}` })
})

after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await cluster?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const dnsmasq = (port: number) => `port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
user=root
pid-file=
`

const outside = (port: number) => `${dnsmasq(port)}
host-record=www.example.com,192.0.2.80
address=/#/
`

interface Forwarder {
  readonly program: string
  readonly args: (file: string) => readonly string[]
  /** Of a forwarder on `port`, which asks `target` for the cluster's zones and `elsewhere` for the rest. */
  readonly configuration: (port: number, target: number, elsewhere: number) => string
  /** Whether it asks with letters of random case, and wants to see them again in the reply. */
  readonly mixesCase: boolean
}

const forwarders: readonly Forwarder[] = [
  {
    program: 'unbound',
    mixesCase: true,
    args: (path) => ['-d', '-c', path],
    configuration: (port, target, elsewhere) => `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-caps-for-id: yes
  do-not-query-localhost: no
  domain-insecure: "${zone}."
  local-zone: "${reverseZone}." nodefault
remote-control:
  control-enable: no
forward-zone:
  name: "${zone}."
  forward-addr: 127.0.0.1@${target}
forward-zone:
  name: "${reverseZone}."
  forward-addr: 127.0.0.1@${target}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${elsewhere}
`,
  },
  {
    program: 'dnsmasq',
    mixesCase: false,
    args: (path) => ['-k', '-C', path],
    configuration: (port, target, elsewhere) => `${dnsmasq(port)}
server=/${zone}/127.0.0.1#${target}
server=/${reverseZone}/127.0.0.1#${target}
server=127.0.0.1#${elsewhere}
`,
  },
  {
    program: 'coredns',
    mixesCase: false,
    args: (path) => ['-conf', path],
    configuration: (port, target, elsewhere) => `${zone}:${port} ${reverseZone}:${port} {
    bind 127.0.0.1
    forward . 127.0.0.1:${target}
    cache 30
}
.:${port} {
    bind 127.0.0.1
    forward . 127.0.0.1:${elsewhere}
}
`,
  },
]

/** Names and types, and what every forwarder says of them: records' data, or the rcode of an answer without records. */
const answers: readonly (readonly [
  name: string,
  type: string,
  expected: readonly string[] | 'NXDOMAIN' | 'NOERROR',
])[] = [
  ['web.apps.svc', 'A', ['10.96.1.1']],
  ['web.apps.svc', 'AAAA', ['fd00:96::1:1']],
  ['WEB.Apps.svc', 'A', ['10.96.1.1']],
  ['six.apps.svc', 'AAAA', ['fd00:96::1:6']],
  ['_http._tcp.web.apps.svc', 'SRV', [`0 50 80 web.apps.svc.${zone}.`]],
  ['_http._tcp.db.apps.svc', 'SRV', [`0 33 80 db-0.db.apps.svc.${zone}.`, `0 33 80 db-1.db.apps.svc.${zone}.`]],
  ['db-0.db.apps.svc', 'A', ['10.60.0.1']],
  ['alias.apps.svc', 'A', ['10.96.1.4', `four.apps.svc.${zone}.`]],
  ['outside.apps.svc', 'A', ['192.0.2.80', 'www.example.com.']],
  ['dns-version', 'TXT', ['"1.1.0"']],
  // No such name: of a service, of an endpoint, of a namespace, of a port, and below a service that exists.
  ['nosuch.apps.svc', 'A', 'NXDOMAIN'],
  ['nosuch.apps.svc', 'AAAA', 'NXDOMAIN'],
  ['nosuch.apps.svc', 'SRV', 'NXDOMAIN'],
  ['nosuch.apps.svc', 'HTTPS', 'NXDOMAIN'],
  ['NoSuch.apps.svc', 'TXT', 'NXDOMAIN'],
  ['db-9.db.apps.svc', 'A', 'NXDOMAIN'],
  ['web.nosuch.svc', 'A', 'NXDOMAIN'],
  ['_nosuch._tcp.web.apps.svc', 'SRV', 'NXDOMAIN'],
  ['a.b.web.apps.svc', 'A', 'NXDOMAIN'],
  ['web.apps.svc.cluster.local.apps.svc', 'A', 'NXDOMAIN'],
  // No such type.
  ['four.apps.svc', 'AAAA', 'NOERROR'],
  ['six.apps.svc', 'A', 'NOERROR'],
  ['four.apps.svc', 'HTTPS', 'NOERROR'],
  ['four.apps.svc', 'TXT', 'NOERROR'],
  ['web.apps.svc', 'MX', 'NOERROR'],
  ['db.apps.svc', 'DS', 'NOERROR'],
  ['apps.svc', 'A', 'NOERROR'],
  ['svc', 'AAAA', 'NOERROR'],
]

for (const { program, args, configuration, mixesCase } of forwarders) {
  describe(`${program} forwards ${zone}`, { skip: without(program, 'dnsmasq', 'dig') }, () => {
    let port: number

    before(async () => {
      port = await freePort()
      const path = file(program, configuration(port, cluster.port, world))
      await start(program, args(path), { port, ready: `web.apps.svc.${zone}` })
    })

    for (const round of ['first asked', 'asked again, as from its cache']) {
      test(`the clients of ${program} get right answers, none of them SERVFAIL, when ${round}`, async () => {
        for (const [name, type, expected] of answers) {
          const reply = await dig(`${name}.${zone}`, type, { port })
          // The zone in a target repeats the question's letters, as CoreDNS has it, and those may be of a forwarder's choice.
          const data = reply.answer.map((line) => line.toLowerCase().split(' ').slice(4).join(' ')).sort()
          assert.deepEqual(data.length > 0 ? data : reply.rcode, expected, `${name} ${type}`)
        }
      })
    }

    test(`the clients of ${program} get names of addresses`, async () => {
      const ask = (address: string) => dig(`${address}.${reverseZone}`, 'PTR', { port })
      assert.match((await ask('1.1.96')).answer.join(), new RegExp(`PTR web\\.apps\\.svc\\.${zone}\\.$`))
      assert.match((await ask('2.0.60')).answer.join(), new RegExp(`PTR db-1\\.db\\.apps\\.svc\\.${zone}\\.$`))
      assert.equal((await ask('9.9.9')).rcode, 'NXDOMAIN')
    })

    test(`the clients of ${program} get large answers, which it asks for over TCP`, async () => {
      const before = await requests()
      const reply = await dig(`n-1000.apps.svc.${zone}`, 'A', { port, flags: ['+noignore'] })
      assert.equal(reply.answer.length, 1000)
      assert.ok((await requests()).tcp! > (before.tcp ?? 0), 'nothing was asked over TCP')
    })

    for (const flags of [['+noedns'], ['+bufsize=1232'], ['+bufsize=4096', '+dnssec']]) {
      test(`the clients of ${program} get every address of services of any size, ${flags.join(' ')}`, async () => {
        for (const size of sizes) {
          const name = `n-${size}.apps.svc.${zone}`
          const reply = await dig(name, 'A', { port, flags: [...flags, '+noignore'] })
          assert.deepEqual([reply.rcode, new Set(reply.answer).size], ['NOERROR', size], `${name} with retry over TCP`)
          const cut = await dig(name, 'A', { port, flags })
          assert.ok(cut.answer.length === size || cut.flags.includes('tc'), `${name} is neither whole nor truncated`)
        }
      })
    }

    if (!mixesCase) return
    // It would ask twice more, in lower case, for each name whose letters came back changed. For one that a busy machine answers late
    // it asks again as well: then for others.
    test(`the forwarder ${program} asks for a name once, in letters of random case`, async () => {
      let attempt = 0
      await until(async () => {
        attempt++
        const before = await requests()
        assert.equal((await dig(`${attempt}.1.50.${reverseZone}`, 'PTR', { port })).answer.length, 1)
        for (const name of ['nosuch-one', 'nosuch-two']) await dig(`${name}-${attempt}.apps.svc.${zone}`, 'A', { port })
        assert.equal((await requests()).udp! - before.udp!, 3)
      })
      const targets = await Promise.all(['web', 'db', 'four', 'six'].map(serviceTarget))
      assert.match(targets.join(), /[A-Z]{2}/, 'the letters were not of random case')
    })

    const serviceTarget = async (service: string) =>
      (await dig(`_http._tcp.${service}.apps.svc.${zone}`, 'SRV', { port })).answer[0]!.split(' ').at(-1)
  })
}

/** What has been asked of slicedns so far, by transport. */
async function requests(): Promise<Readonly<Record<string, number>>> {
  const { body } = await cluster.server.http('metrics', '/metrics')
  return sumBy(body, 'coredns_dns_requests_total', 'proto')
}

async function start(program: string, args: readonly string[], { port, ready }: { port: number; ready: string }) {
  const [command, ...words] = tied([peer(program)!, ...args])
  const child = spawn(command!, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  await until(() => dig(ready, 'A', { port }), {
    unless: () => (child.exitCode === null ? undefined : `${program} has ended: ${output}`),
  })
}
