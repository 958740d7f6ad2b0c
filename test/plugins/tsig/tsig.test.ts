/** Signed requests and replies (RFC 8945), over sockets of the loopback. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { rcodeName, type } from '../../../src/dns/codes.ts'
import type { Message } from '../../../src/dns/message.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { createReplyVerifier, signRequest, type TsigKey } from '../../../src/dns/tsig.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { tsig } from '../../../src/plugins/tsig/index.ts'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'
import { setUp } from '../../support/plugin-harness.ts'

const secret = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const key: TsigKey = { name: 'k.a.', secret: Buffer.from(secret, 'base64'), algorithm: 'hmac-sha256.' }

let folder: string
let server: LoopbackServer

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsig-'))
  const hosts = Array.from({ length: 900 }, (_, n) => `h${n} A 192.0.2.${n & 255}\n`).join('')
  writeFileSync(
    join(folder, 'db'),
    `@ 60 SOA ns host 1 2 3 4 5\n@ NS ns\nwww A 192.0.2.1\nbig TXT ${'"x" '.repeat(220)}\n${hosts}`,
  )
  writeFileSync(join(folder, 'keys'), `key "other.a." {\n  algorithm hmac-sha512;\n  secret "${secret}";\n};\n`)
  chmodSync(join(folder, 'keys'), 0o600)
  server = await startLoopbackServer(
    (port) => `
a:${port} {
  bind 127.0.0.1
  tsig {
    secret k.a. ${secret}
    secrets ${folder}/keys
    require AXFR
    require_opcode NOTIFY
  }
  transfer {
    to *
  }
  file ${folder}/db
}
b:${port} {
  bind 127.0.0.1
  tsig {
    require all
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

interface Asked {
  readonly key?: TsigKey
  readonly change?: (octets: Uint8Array) => Uint8Array
  /** Milliseconds by which the client's clock is wrong. */
  readonly late?: number
  readonly request?: Partial<Message>
}

/** Asks over TCP; the messages that come before the server is silent or closes, until one is whole by `isLast`. */
async function ask(question: string, asked: Asked = {}, isLast: (all: readonly Message[]) => boolean = () => true) {
  const [name, typeText] = question.split(' ')
  const request = { ...queryMessage(name, type[typeText as keyof typeof type], false), id: 7, ...asked.request }
  const plain = encodeMessage(request, { limit: 65_535 })
  const signed = asked.key && signRequest(plain, asked.key, Date.now() + (asked.late ?? 0))
  const octets = asked.change?.(signed?.octets ?? plain) ?? signed?.octets ?? plain
  const verifier = signed && createReplyVerifier(asked.key!, signed.mac, Date.now)
  const socket = connect(server.port, '127.0.0.1')
  socket.write(Buffer.concat([Buffer.of(octets.length >> 8, octets.length & 255), octets]))
  const messages: Message[] = []
  const doubts: (string | undefined)[] = []
  let rest = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk])
    for (
      ;
      rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0);
      rest = rest.subarray(2 + rest.readUInt16BE(0))
    ) {
      const wire = rest.subarray(2, 2 + rest.readUInt16BE(0))
      messages.push(parseMessage(wire))
      doubts.push(verifier?.check(wire, messages.at(-1)!))
    }
    if (messages.length > 0 && isLast(messages)) break
  }
  const tsigRecord = messages[0].additional.find((record) => record.type === type.TSIG)
  return { messages, doubts, rcode: rcodeName(messages[0].rcode), tsig: tsigRecord && recordText(tsigRecord) }
}

/** The error and the MAC's length of a TSIG record without other data. */
function tsigOf({ messages: [{ additional }] }: { messages: readonly Message[] }) {
  const { rdata } = additional.find((record) => record.type === type.TSIG)!
  const view = Buffer.from(rdata)
  const timeAt = view.indexOf(0) + 1
  const mac = view.readUInt16BE(timeAt + 8)
  const time = view.readUIntBE(timeAt, 6)
  return { time, mac, error: view.readUInt16BE(timeAt + 12 + mac), other: view.subarray(timeAt + 16 + mac) }
}

describe('the plugin tsig', () => {
  it('a signed query is answered, and the reply is signed with the same key', async () => {
    const { rcode, doubts, messages } = await ask('www.a. A', { key })
    assert.deepEqual([rcode, doubts, messages[0].answer.length], ['NOERROR', [undefined], 1])
  })

  it('a denial, and a reply that no plugin has written, are signed', async () => {
    for (const question of ['none.a. A', 'www.a. IXFR'])
      assert.deepEqual((await ask(question, { key })).doubts, [undefined], question)
  })

  it('a query without a signature is answered without one where none is required', async () => {
    const { rcode, tsig } = await ask('www.a. A')
    assert.deepEqual([rcode, tsig], ['NOERROR', undefined])
  })

  for (const question of ['a. AXFR', 'www.b. A', 'none.b. A', 'b. SOA'])
    it(`a query for ${question} without a signature is REFUSED where one is required`, async () => {
      assert.equal((await ask(question)).rcode, 'REFUSED')
    })

  it('a NOTIFY without a signature is REFUSED where the opcode requires one', async () => {
    const { rcode } = await ask('a. SOA', { request: { opcode: 4 } })
    assert.equal(rcode, 'REFUSED')
  })

  it('a key counts for every block of the listener', async () => {
    const { rcode, doubts } = await ask('www.b. A', { key })
    assert.deepEqual([rcode, doubts], ['NOERROR', [undefined]])
  })

  it('a key of a file is used, with the algorithm that the client likes', async () => {
    for (const algorithm of ['hmac-sha1.', 'hmac-sha224.', 'hmac-sha384.', 'hmac-sha512.', 'hmac-sha512-256.'])
      assert.deepEqual((await ask('www.a. A', { key: { ...key, name: 'other.a.', algorithm } })).doubts, [undefined])
  })

  it('an unknown key is NOTAUTH with BADKEY, unsigned', async () => {
    const reply = await ask('www.a. A', { key: { ...key, name: 'x.' } })
    const { error, mac, time } = tsigOf(reply)
    assert.deepEqual([reply.rcode, error, mac, time], ['NOTAUTH', 17, 0, 0])
  })

  it('a wrong secret is NOTAUTH with BADSIG, unsigned', async () => {
    const reply = await ask('www.a. A', { key: { ...key, secret: Buffer.from('x') } })
    const { error, mac, time } = tsigOf(reply)
    assert.deepEqual([reply.rcode, error, mac, time], ['NOTAUTH', 16, 0, 0])
    assert.equal(await server.metric('slicedns_tsig_refused_total{error="BADSIG"}'), 1)
  })

  for (const late of [-301_000, 301_000])
    it(`a time that is ${late / 1000} s off is NOTAUTH with BADTIME, signed, with the server's time`, async () => {
      const reply = await ask('www.a. A', { key, late })
      const { error, mac, other } = tsigOf(reply)
      assert.deepEqual([reply.rcode, error, mac], ['NOTAUTH', 18, 32])
      assert.ok(Math.abs(other.readUIntBE(0, 6) - Date.now() / 1000) < 60)
    })

  it('no octet can be changed on the way without the client noticing it', async () => {
    const { octets } = signRequest(encodeMessage(queryMessage('www.a.', 1, false), { limit: 512 }), key, Date.now())
    const counts = { from: 4, to: 12 }
    for (let at = 2; at < octets.length; at++) {
      if (at >= counts.from && at < counts.to) continue
      const flip = (whole: Uint8Array) => whole.map((octet, index) => (index === at ? octet ^ 1 : octet))
      const { rcode, doubts } = await ask('www.a. A', { key, change: flip })
      assert.ok(rcode !== 'NOERROR' || doubts[0] !== undefined, `octet ${at}`)
    }
  })

  it('a TSIG record that is not the last one is FORMERR', async () => {
    const edns = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]
    const { rcode } = await ask('www.a. A', {
      key,
      change(octets) {
        const longer = Uint8Array.from([...octets, ...edns])
        longer[11] = 2
        return longer
      },
    })
    assert.equal(rcode, 'FORMERR')
  })

  it('each message of a transfer is signed, in a chain', async () => {
    const { doubts, messages } = await ask('a. AXFR', { key }, (all) => {
      const records = all.flatMap(({ answer }) => answer)
      return records.length > 1 && records.at(-1)?.type === type.SOA
    })
    assert.ok(messages.length > 2)
    assert.deepEqual([...new Set(doubts)], [undefined])
  })

  it('a file of keys that everybody can read is refused', () => {
    const path = join(folder, 'open')
    writeFileSync(path, '', { mode: 0o644 })
    chmodSync(path, 0o644)
    assert.throws(
      () => setUp(tsig, `tsig {\nsecrets ${path}\n}`),
      /cannot read keys from .*: it is readable by all users/,
    )
  })

  const files: readonly (readonly [string, RegExp])[] = [
    ['key "a" {\nalgorithm hmac-sha256;\n};', /the key a\. has no secret/],
    ['key "a" {\nsecret "c2VjcmV0";\n', /the key a\. is not closed/],
    ['key "a" {\nsecret "c2VjcmV0";\n};\nkey "A." {\nsecret "c2VjcmV0";\n};', /line 6: the key a\. is defined twice/],
    ['options {\n};', /line 1: a key must begin with key "NAME" \{/],
    ['key "a" {\nfoo bar;\n};', /line 2: a key must have algorithm, secret/],
  ]
  for (const [text, error] of files)
    it(`a file of keys '${text.replaceAll('\n', '|')}' is refused`, () => {
      const path = join(folder, 'wrong')
      writeFileSync(path, text, { mode: 0o600 })
      assert.throws(() => setUp(tsig, `tsig {\nsecrets ${path}\n}`), error)
    })
})
