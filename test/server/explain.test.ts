import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, describe, it } from 'node:test'
import { NameError } from '../../src/dns/name.ts'
import { type Explanation, listenForExplain } from '../../src/server/explain.ts'

const silent = { debug() {}, info() {}, warning() {}, error() {}, plugin: () => silent }
const told: Explanation = {
  name: 'a.example.',
  type: 'A',
  listener: 'dns://:53',
  zone: '.',
  path: 'chain',
  reason: '',
  steps: [],
  rcode: 'NOERROR',
  answer: [],
  authority: [],
  additional: [],
}

describe('the socket that explains', () => {
  const path = `\0slicedns-test-explain-${process.pid}`
  const http = listenForExplain(
    path,
    async (name) => {
      if (name === 'bad') throw new NameError('"bad" is no name')
      return [told]
    },
    silent,
  )
  after(() => http.close())

  /** The status of a request with this target, which no HTTP client of ours would send. */
  async function statusOf(target: string): Promise<number> {
    const socket = connect(path)
    socket.end(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    let reply = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      reply += text
    })
    await once(socket, 'close')
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1])
  }

  for (const { target, status } of [
    { target: '/explain?name=a.example&type=A', status: 200 },
    { target: '/explain?name=bad', status: 400 },
    { target: '/', status: 404 },
    { target: '//', status: 404 },
    { target: 'http://[', status: 404 },
  ])
    it(`the socket of explain answers ${target} with ${status}, and lives on`, {
      skip: process.platform !== 'linux',
    }, async () => {
      assert.equal(await statusOf(target), status)
      assert.equal(await statusOf('/explain?name=a.example'), 200)
    })
})
