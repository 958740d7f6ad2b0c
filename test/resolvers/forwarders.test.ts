/** slicedns as the target of a stub domain: real forwarders hand `cluster.local` on to it, their clients ask them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { dig } from '../support/dig.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'
import { type ServedCluster, serveCluster, sizes, zone } from './cluster.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-forwarders-'))
let cluster: ServedCluster

before(async () => {
  cluster = await serveCluster()
})

after(async () => {
  await cluster?.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Forwarder {
  readonly program: string
  readonly args: (file: string, port: number) => readonly string[]
  readonly configuration: (port: number, target: number) => string
}

const forwarders: readonly Forwarder[] = [
  {
    program: 'unbound',
    args: (file) => ['-d', '-c', file],
    // 0x20: the case of a question is random, and the reply must repeat it.
    configuration: (port, target) => `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-caps-for-id: yes
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "10.in-addr.arpa." nodefault
remote-control:
  control-enable: no
forward-zone:
  name: "${zone}."
  forward-addr: 127.0.0.1@${target}
`,
  },
  {
    program: 'dnsmasq',
    args: (file) => ['-k', '-C', file],
    configuration: (port, target) => `port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
user=root
pid-file=
server=/${zone}/127.0.0.1#${target}
`,
  },
  {
    program: 'coredns',
    args: (file) => ['-conf', file],
    configuration: (port, target) => `${zone}:${port} {
    bind 127.0.0.1
    forward . 127.0.0.1:${target}
    cache 30
}
`,
  },
]

for (const { program, args, configuration } of forwarders) {
  test(`${program} forwards ${zone} and its clients get right answers`, { skip: without(program, 'dig') }, async () => {
    const port = await freePort()
    const file = join(folder, `${program}.conf`)
    writeFileSync(file, configuration(port, cluster.port))
    const [command, ...words] = tied([peer(program)!, ...args(file, port)])
    const child = spawn(command!, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk
      })
    const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
    try {
      await until(() => dig(`web.apps.svc.${zone}`, 'A', { port }), {
        unless: () => (child.exitCode === null ? undefined : `${program} has ended: ${output}`),
      })
      await answersAreRight(port)
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  })
}

async function answersAreRight(port: number): Promise<void> {
  const ask = (name: string, type = 'A', tcp = false) => dig(`${name}.apps.svc.${zone}`, type, { port, tcp })
  assert.match((await ask('web')).answer.join(), /10\.96\.1\.1/)
  assert.match((await ask('wEb')).answer.join(), /10\.96\.1\.1/)
  assert.equal((await ask('nosuch')).rcode, 'NXDOMAIN')
  assert.equal((await ask('nosuch', 'AAAA')).rcode, 'NXDOMAIN')
  const absent = await ask('web', 'AAAA')
  assert.deepEqual([absent.rcode, absent.answer], ['NOERROR', []])
  assert.match((await ask('_http._tcp.web', 'SRV')).answer.join(), / 80 web\./)
  assert.match((await ask('alias')).answer.join(), /10\.96\.1\.1/)
  for (const size of sizes) {
    const overUdp = await ask(`n-${size}`)
    assert.equal(overUdp.rcode, 'NOERROR')
    assert.ok(overUdp.answer.length >= 1 || overUdp.flags.includes('tc'), `no address of ${size}, and no TC`)
    assert.equal((await ask(`n-${size}`, 'A', true)).answer.length, size)
  }
}
