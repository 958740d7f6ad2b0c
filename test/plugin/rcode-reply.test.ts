/** The messages of outcomes that are an rcode only. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import { parseMessage } from '../../src/dns/parse.ts'
import { networkError, rcodeReply } from '../../src/plugin/rcode-reply.ts'
import { question } from '../support/question.ts'

const failed = { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'forward', extendedError: networkError } as const

test('an rcode has its extended error for a client that speaks EDNS (RFC 8914 §2)', () => {
  const { edns, rcode: code } = rcodeReply(failed, parseMessage(question('a.example A', 1)))
  assert.equal(code, rcode.SERVFAIL)
  assert.deepEqual(edns?.options, [{ code: 15, data: Uint8Array.of(0, 23) }])
})

test('a client without EDNS gets no extended error', () => {
  const request = { ...parseMessage(question('a.example A', 1)), edns: undefined }
  assert.equal(rcodeReply(failed, request).edns, undefined)
})
