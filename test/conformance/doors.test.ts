/** The encrypted listeners beside CoreDNS's: the same clients get the same from both. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { certificateFolder } from '../support/certificates.ts'
import { dig } from '../support/dig.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'
import { type NamedServer, startNamed } from './side-by-side.ts'

const run = promisify(execFile)
const names = ['slicedns', 'CoreDNS'] as const
const certificates = certificateFolder()
after(certificates.remove)
certificates.issue('server')
const tls = `tls ${certificates.path}/server.pem ${certificates.path}/server.key`

const plugins = `${tls}
  hosts {
    192.0.2.1 a.example
    2001:db8::1 a.example
  }`

interface Doors {
  readonly server: NamedServer
  readonly https: number
  readonly grpc: number
}

async function open(name: NamedServer['name']): Promise<Doors> {
  const [https, grpc] = [await freePort(), await freePort()]
  const server = await startNamed(name, (port) =>
    [`tls://.:${port}`, `https://.:${https}`, `grpc://.:${grpc}`].map((key) => `${key} {\n  ${plugins}\n}\n`).join(''),
  )
  return { server, https, grpc }
}

/** Sections of a reply as kdig prints them, without what differs from one query to the next. */
async function kdig(options: readonly string[], name: string, type: string): Promise<string> {
  const { stdout } = await run(peer('kdig')!, ['@127.0.0.1', ...options, '+noidn', '+edns', name, type])
  return stdout
    .split('\n')
    .filter((line) => !/^;; (Received|Time|From|TLS session|HTTP session)|id:/.test(line))
    .join('\n')
}

/** Status and headers of what curl gets, without the date, and a body of text: DNS messages differ in compression alone. */
async function curl(args: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', ['-s', '-i', '--insecure', '--http2', ...args], { encoding: 'latin1' })
  const [head, body] = stdout.split('\r\n\r\n', 2)
  const lines = head.toLowerCase().split('\r\n')
  const text = head.includes('text/plain') ? body : ''
  const kept = lines.filter((line) => !/^(date|content-length):/.test(line)).map((line) => line.trim())
  return [...kept.sort(), text].join('\n')
}

describe('encrypted listeners beside CoreDNS', { skip: without('coredns', 'kdig', 'curl', 'dig') }, () => {
  it('kdig +tls, +https and +https-get print the same of both', async () => {
    const seen: string[][] = []
    for (const name of names) {
      const { server, https } = await open(name)
      const texts: string[] = []
      for (const [owner, type] of [
        ['a.example', 'A'],
        ['a.example', 'AAAA'],
      ])
        for (const options of [
          ['-p', String(server.port), '+tls'],
          ['-p', String(https), '+https'],
          ['-p', String(https), '+https-get'],
        ])
          texts.push(await kdig(options, owner, type))
      seen.push(texts)
      await server.stop()
    }
    assert.deepEqual(seen[0], seen[1])
  })

  it('curl gets the same status and headers of both', async () => {
    const message = 'AAABAAABAAAAAAAAAWEHZXhhbXBsZQAAAQAB'
    const targets = [
      `/dns-query?dns=${message}`,
      '/dns-query',
      '/',
      '/dns-query?dns=*',
      `/dns-query?dns=${message}&dns=${message}`,
    ]
    const seen: string[][] = []
    for (const name of names) {
      const { server, https } = await open(name)
      const texts: string[] = []
      for (const target of targets) texts.push(await curl([`https://127.0.0.1:${https}${target}`]))
      texts.push(await curl(['-X', 'PUT', `https://127.0.0.1:${https}/dns-query`]))
      seen.push(texts)
      await server.stop()
    }
    assert.deepEqual(seen[0], seen[1])
  })

  it("CoreDNS's plugin grpc and slicedns's ask either server over gRPC, and get the same", async () => {
    const answers: string[][] = []
    for (const name of names) {
      const { server, grpc } = await open(name)
      for (const asking of names) {
        const client = await startNamed(
          asking,
          (port) =>
            `.:${port} {\n  grpc . 127.0.0.1:${grpc} {\n    tls ${certificates.path}/ca.pem\n    tls_servername localhost\n  }\n}\n`,
        )
        answers.push((await dig('a.example', 'A', { port: client.port })).answer.map(String))
        await client.stop()
      }
      await server.stop()
    }
    for (const each of answers) assert.deepEqual(each, answers[0])
    assert.equal(answers[0].length, 1)
  })

  it('slicedns asks another server over gRPC while one is stopped, and the stopped one again when it goes on', async () => {
    const stopped = await open('CoreDNS')
    const other = await open('CoreDNS')
    const metrics = await freePort()
    const client = await startNamed(
      'slicedns',
      (port) =>
        `.:${port} {\n  prometheus 127.0.0.1:${metrics}\n  grpc . 127.0.0.1:${stopped.grpc} 127.0.0.1:${other.grpc} {\n    policy sequential\n    tls ${certificates.path}/ca.pem\n    tls_servername localhost\n  }\n}\n`,
    )
    const askedSoFar = async ({ grpc }: Doors): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
      return Number(new RegExp(`^coredns_grpc_requests_total{to="127.0.0.1:${grpc}"} (.*)$`, 'm').exec(text)?.[1] ?? 0)
    }
    const answers = async () => assert.equal((await dig('a.example', 'A', { port: client.port })).answer.length, 1)
    try {
      await answers()
      assert.deepEqual([await askedSoFar(stopped), await askedSoFar(other)], [1, 0])
      stopped.server.signal('SIGSTOP')
      await answers()
      await answers()
      assert.deepEqual([await askedSoFar(stopped), await askedSoFar(other)], [1, 2])
      stopped.server.signal('SIGCONT')
      await until(async () => {
        await answers()
        assert.ok((await askedSoFar(stopped)) > 1)
      })
    } finally {
      await client.stop()
      await stopped.server.stop()
      await other.server.stop()
    }
  })
})
