/** Signed requests of dig, and whether it believes the replies (RFC 8945). */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type LoopbackServer, startLoopbackServer } from '../support/loopback-server.ts'
import { without } from '../support/peers.ts'

const run = promisify(execFile)
const secret = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')

let folder: string
let server: LoopbackServer

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsig-'))
  const hosts = Array.from({ length: 900 }, (_, n) => `h${n} A 192.0.2.${n & 255}\n`).join('')
  const zone = `@ 60 SOA ns host 1 2 3 4 5\n@ NS ns\nwww A 192.0.2.1\nbig TXT ${'"x" '.repeat(220)}\n${hosts}`
  writeFileSync(join(folder, 'db'), zone)
  server = await startLoopbackServer(
    (port) => `
a:${port} {
  bind 127.0.0.1
  tsig {
    secret k.a. ${secret}
    require AXFR
  }
  transfer {
    to *
  }
  file ${folder}/db
}
`,
  )
})

after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

describe('signed requests of dig', { skip: without('dig') }, () => {
  const dig = async (...words: readonly string[]) =>
    (await run('dig', ['@127.0.0.1', '-p', String(server.port), '+tries=1', '+time=5', '+norec', ...words])).stdout

  for (const algorithm of ['hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512', 'hmac-sha256-128'])
    it(`dig believes replies that are signed with ${algorithm}`, async () => {
      const text = await dig('-y', `${algorithm}:k.a.:${secret}`, 'www.a.', 'A')
      assert.match(text, /status: NOERROR/)
      assert.doesNotMatch(text, /WARNING|Couldn't verify/)
    })

  it('dig believes a reply that is cut to the size of a datagram', async () => {
    const text = await dig('-y', `hmac-sha256:k.a.:${secret}`, '+noedns', '+ignore', 'big.a.', 'TXT')
    assert.match(text, /flags: qr aa tc;/)
    assert.doesNotMatch(text, /WARNING|Couldn't verify/)
  })

  it('dig believes a whole zone', async () => {
    const text = await dig('-y', `hmac-sha512:k.a.:${secret}`, 'a.', 'AXFR')
    assert.match(text, /XFR size: 905 records/)
    assert.doesNotMatch(text, /Couldn't verify|failed/)
  })

  it('dig does not get a zone without the key', async () => {
    assert.match(await dig('a.', 'AXFR'), /Transfer failed/)
  })
})
