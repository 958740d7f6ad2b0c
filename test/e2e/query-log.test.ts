/**
 * `log`: queries that the data plane answers leave the line that the chain's handler writes for the same octets, and CoreDNS.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, test } from 'node:test'
import { promisify } from 'node:util'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { builtServer, type Ports, type RunningServer, runtime, startServer } from '../support/server.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'
import { namespaceObject, service, slice, startCluster } from './cluster.ts'

const many = Array.from({ length: 60 }, (_, i) => `10.2.0.${i + 1}`)
const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
const objects: readonly object[] = [
  namespaceObject('shop'),
  service('shop', 'web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'], ports }),
  service('shop', 'peers', { clusterIP: 'None', clusterIPs: ['None'], ports }),
  slice({ namespace: 'shop', name: 'peers-1', service: 'peers', ports, endpoints: many }),
]

interface Question {
  readonly name: string
  readonly type: number
  /** Payload size and DO, of a request with OPT. */
  readonly edns?: readonly [size: number, dnssecOk: boolean, ...options: number[]]
  /** The header's flags. Default: RD. */
  readonly flags?: number
}

const questions: readonly Question[] = [
  { name: 'web.shop.svc.cluster.local', type: 1 },
  { name: 'WEB.shop.svc.cluster.LOCAL', type: 1, edns: [1232, true] },
  { name: 'web.shop.svc.cluster.local', type: 28, edns: [100, false] },
  { name: '_http._tcp.web.shop.svc.cluster.local', type: 33, edns: [4096, false, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] },
  { name: 'nope.shop.svc.cluster.local', type: 1, flags: 0 },
  { name: 'www.example.com.shop.svc.cluster.local', type: 28, flags: 0x0110 },
  { name: 'peers.shop.svc.cluster.local', type: 1 },
  { name: 'peers.shop.svc.cluster.local', type: 33, edns: [1232, false] },
  { name: '1.1.96.10.in-addr.arpa', type: 12 },
  { name: 'cluster.local', type: 6 },
]

function octetsOf({ name, type, edns, flags = 0x0100 }: Question, id: number): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')])
  const head = [id >> 8, id & 255, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]
  const question = [...labels, 0, type >> 8, type & 255, 0, 1]
  if (!edns) return Buffer.from([...head, ...question])
  const [size, dnssecOk, ...options] = edns
  const opt = [0, 0, 41, size >> 8, size & 255, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, options.length, ...options]
  return Buffer.from([...head, ...question, ...opt])
}

let lastId = 10_000

/** Asks everything at the port, and gives how the line of each query begins. */
async function askAll(port: number, proto: 'udp' | 'tcp'): Promise<readonly string[]> {
  const beginnings: string[] = []
  for (const question of questions) {
    const request = octetsOf(question, ++lastId)
    if (proto === 'udp') {
      const socket = createSocket('udp4')
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      beginnings.push(`[INFO] 127.0.0.1:${socket.address().port} - ${lastId} `)
      socket.send(request)
      await once(socket, 'message')
      socket.close()
    } else {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      beginnings.push(`[INFO] 127.0.0.1:${socket.localPort} - ${lastId} `)
      socket.write(Buffer.concat([Buffer.from([request.length >> 8, request.length & 255]), request]))
      await once(socket, 'data')
      socket.destroy()
    }
  }
  return beginnings
}

/** The line of each query, without the client's port, the id and the duration, in the order of the questions. */
function linesOf(output: string, beginnings: readonly string[]): string[] {
  const lines = output.split('\n')
  return beginnings.map((beginning, i) => {
    const found = lines.filter((line) => line.startsWith(beginning))
    assert.equal(found.length, 1, `lines for query ${i}, ${beginning}`)
    assert.match(found[0]!, / \d\S*s$/)
    return found[0]!.slice(beginning.length).replace(/ \S+$/, '')
  })
}

async function logged(output: () => string, port: number, proto: 'udp' | 'tcp'): Promise<string[]> {
  const beginnings = await askAll(port, proto)
  return until(() => linesOf(output(), beginnings))
}

const manifests = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-log-'))
  writeFileSync(join(folder, 'objects.yaml'), objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  return folder
}

/** Misses of the table by any reason. */
async function misses(server: RunningServer): Promise<number> {
  const { body } = await server.http('metrics', '/metrics')
  return [...body.matchAll(/^slicedns_table_misses_total\S* (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}

for (const udp of ['threads', 'dgram'] as const)
  describe(`the query log, UDP by ${udp}`, () => {
    const folder = manifests()
    /** One listener whose names are in the table, and one that `prefer` keeps in the chain. */
    const corefile = ({ dns, other, metrics }: Ports) => {
      const block = (port: number, more: string) =>
        `.:${port} {\n log\n${more}\n kubernetes cluster.local in-addr.arpa {\n manifests ${folder}\n }\n}\n`
      return block(dns, `prometheus 127.0.0.1:${metrics}`) + block(other, ' loadbalance {\n prefer 192.0.2.0/24\n }')
    }
    let server: RunningServer
    it(`the server starts with a query log, UDP by ${udp}`, async () => {
      server = await startServer({ corefile, env: udp === 'dgram' ? { SLICEDNS_UDP: 'dgram' } : {} })
      await until(async () => {
        const before = await misses(server)
        await askAll(server.ports.dns, 'udp')
        assert.equal(await misses(server), before, 'the table is complete')
      })
    })

    for (const proto of ['udp', 'tcp'] as const)
      it(`the query log has for an answer from the table the line that the chain writes: ${proto}, UDP by ${udp}`, async () => {
        const before = await misses(server)
        const table = await logged(server.output, server.ports.dns, proto)
        assert.equal(await misses(server), before, 'all were answered from the table')
        const chain = await logged(server.output, server.ports.other, proto)
        assert.equal(await misses(server), before + questions.length)
        assert.deepEqual(table, chain)
        assert.match(table[0]!, new RegExp(`^"A IN web\\.shop\\.svc\\.cluster\\.local\\. ${proto} 44 false`))
      })

    it(`a logged name is answered from the table, says slicedns explain, UDP by ${udp}`, async () => {
      const words = ['explain', 'web.shop.svc.cluster.local', 'A', '--pid', String(server.pid), '--json']
      const { stdout } = await promisify(execFile)(runtime, [builtServer, ...words])
      const paths = Object.fromEntries(
        (JSON.parse(stdout) as { listener: string; path: string }[]).map(({ listener, path }) => [listener, path]),
      )
      assert.equal(paths[`dns://:${server.ports.dns}`], 'table')
      assert.equal(paths[`dns://:${server.ports.other}`], 'chain')
    })

    it(`the query log has every line at the end, also of what was asked just before, UDP by ${udp}`, async () => {
      const beginnings = await askAll(server.ports.dns, 'udp')
      await server.stop()
      assert.equal(linesOf(server.output(), beginnings).length, questions.length)
      rmSync(folder, { recursive: true })
    })
  })

const skip = without('coredns', ...controlPlanePrograms)

test('log writes the lines of CoreDNS', { skip }, async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  for (const object of objects) await cluster.create(object)
  const block = (port: number) =>
    `.:${port} {\n log\n kubernetes cluster.local in-addr.arpa {\n kubeconfig ${cluster.accountConfig}\n }\n}\n`
  const server = await startServer({ corefile: ({ dns }) => block(dns) })
  t.after(() => server.stop())
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'coredns-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'Corefile'), block(port))
  const [program, ...words] = tied([peer('coredns')!, '-conf', join(folder, 'Corefile')])
  const coredns = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => coredns.kill('SIGKILL'))
  let output = ''
  coredns.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await until(() => assert.match(output, /CoreDNS-/))
  for (const proto of ['udp', 'tcp'] as const) {
    // Until both know the cluster; the lines are then compared but for the serial, which is of no length.
    await until(async () => {
      const ours = await logged(server.output, server.ports.dns, proto)
      const theirs = await logged(() => output, port, proto)
      assert.deepEqual(ours, theirs)
    })
  }
})
