import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ServerStatus } from '../../src/console/state.ts'
import { NameError } from '../../src/dns/name.ts'
import { createDiagnosticsServer } from '../../src/server/diagnostics.ts'
import type { Explanation } from '../../src/server/explain.ts'

const told: Explanation = {
  name: 'a.example.',
  type: 'A',
  listener: 'dns://:53',
  zone: '.',
  path: 'chain',
  reason: '',
  notRelayed: '',
  steps: [],
  rcode: 'NOERROR',
  answer: [],
  authority: [],
  additional: [],
}

const status: ServerStatus = {
  version: '0.1.0',
  pid: 1,
  corefile: 'Corefile',
  configHash: '',
  uptime: 1,
  ready: true,
  unready: [],
  listeners: [],
  sources: [],
}

describe('the diagnostics server', { skip: process.platform === 'win32' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-explain-'))
  const path = join(folder, 'socket')
  let asked = 0
  const http = createDiagnosticsServer({
    async explain(name) {
      asked++
      if (name === 'bad') throw new NameError('"bad" is not a name')
      return [told]
    },
    status: () => status,
    state: () => Promise.reject(new Error('nothing runs')),
    service: (_namespace, name) => (name === 'web' ? [] : undefined),
    attend: () => ({ release() {} }),
  })
  before(async () => {
    http.net.listen(path)
    await once(http.net, 'listening')
  })
  after(() => {
    http.net.close()
    http.closeAll()
    rmSync(folder, { recursive: true })
  })

  /** All that is answered to these octets, until the connection ends. */
  async function replyTo(octets: string): Promise<string> {
    const socket = connect(path)
    socket.on('error', () => undefined)
    socket.write(octets)
    let reply = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      reply += text
    })
    await once(socket, 'close')
    return reply
  }
  const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`

  for (const { target, status } of [
    { target: '/explain?name=a.example&type=A', status: 200 },
    { target: '/explain?name=bad', status: 400 },
    { target: '/status', status: 200 },
    { target: '/state', status: 500 },
    { target: '/service?namespace=shop&name=web', status: 200 },
    { target: '/service?namespace=shop&name=missing', status: 404 },
    { target: '/', status: 404 },
    { target: '//', status: 404 },
    { target: 'http://[', status: 404 },
  ])
    it(`the diagnostics server answers ${target} with ${status}`, async () => {
      assert.match(await replyTo(get(target)), new RegExp(`^HTTP/1\\.1 ${status} `))
    })

  it('a connection has one request answered, however many are sent on it', async () => {
    asked = 0
    const reply = await replyTo(get('/explain?name=a.example').repeat(1_000))
    assert.equal(reply.match(/HTTP\/1\.1/g)?.length, 1)
    assert.equal(asked, 1)
  })

  it('silent connections do not keep a person out', async () => {
    const silent = Array.from({ length: 40 }, () => connect(path).on('error', () => undefined))
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    assert.match(await replyTo(get('/explain?name=a.example')), /^HTTP\/1\.1 200 /)
    for (const socket of silent) socket.destroy()
  })
})
