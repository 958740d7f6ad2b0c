/** DNS over HTTPS as a Go program uses it: net/http, HTTP/2, and a DNS library that is not ours, against the built server. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { certificateFolder } from '../support/certificates.ts'
import { peer, without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'

const run = promisify(execFile)
const certificates = certificateFolder()
after(certificates.remove)
certificates.issue('server')

/** More than a datagram holds: over HTTP nothing is cut. */
const many = Array.from({ length: 200 }, (_, i) => `198.51.100.${i + 1}`)

const corefile = ({ dns, health, other }: RunningServer['ports']): string => `
.:${dns} {
  health 127.0.0.1:${health}
}
https://.:${other} {
  tls ${certificates.path}/server.pem ${certificates.path}/server.key
  hosts {
    192.0.2.1 a.example
    2001:db8::1 a.example
${many.map((address) => `    ${address} many.example`).join('\n')}
  }
}
`

describe('a DNS-over-HTTPS client in Go', { skip: without('doh-go-client') }, () => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ corefile })
  })
  after(() => server?.stop())

  async function ask(method: string, path: string, questions: readonly string[]): Promise<string[]> {
    const args = ['-ca', `${certificates.path}/ca.pem`, '-method', method]
    const url = `https://127.0.0.1:${server.ports.other}${path}`
    const { stdout } = await run(peer('doh-go-client')!, [...args, url, ...questions])
    return stdout.trim().split('\n')
  }

  for (const method of ['GET', 'POST']) {
    it(`${method} gets addresses, NODATA, and an answer longer than a datagram, whole`, async () => {
      const [a, aaaa, nodata, all, connections] = await ask(method, '/dns-query', [
        'a.example./A',
        'A.example./AAAA',
        'many.example./AAAA',
        'many.example./A',
      ])
      const head = 'HTTP/2.0 200 application/dns-message max-age=3600'
      assert.equal(a, `${head} | RCodeSuccess | a.example. 192.0.2.1`)
      assert.equal(aaaa, `${head} | RCodeSuccess | A.example. 2001:db8::1`)
      assert.match(nodata, /^HTTP\/2\.0 200 application\/dns-message max-age=\d+ \| RCodeSuccess$/)
      const [, , ...records] = all.split(' | ')
      assert.deepEqual(records.toSorted(), many.map((address) => `many.example. ${address}`).toSorted())
      assert.equal(connections, 'connections: 1')
    })

    it(`${method} of 100 questions at once are answered over one connection`, async () => {
      const lines = await ask(
        method,
        '/dns-query',
        Array.from({ length: 101 }, () => 'a.example./A'),
      )
      assert.equal(lines.pop(), 'connections: 1')
      assert.deepEqual(
        lines.filter((line) => !line.endsWith('RCodeSuccess | a.example. 192.0.2.1')),
        [],
      )
      assert.equal(lines.length, 101)
    })
  }

  it('a path that is not served is 404', async () => {
    assert.match((await ask('GET', '/', ['a.example./A']))[0], /^HTTP\/2\.0 404 /)
  })
})
