/** Heads of HTTP/1 requests, as the listeners of health, metrics and the console read them. */
import assert from 'node:assert/strict'
import { BadRequest, parseRequestHead } from '../../../src/telemetry/http/message.ts'
import type { Target } from '../engine/target.ts'

export const target: Target = {
  seeds: [
    'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x',
    'POST /explain?name=a HTTP/1.1\r\nhost:a\r\nContent-Length: 12\r\ncontent-type: text/plain',
    'GET http://a.example:9153/x?y HTTP/1.0\r\nConnection: Keep-Alive\r\nTransfer-Encoding: chunked',
    'HEAD * HTTP/1.1\r\nHost:\r\nX: \t a \t\r\nX: b',
  ].map((text) => Buffer.from(text)),
  words: [
    '\r\n',
    '\n',
    '\r',
    ': ',
    ' HTTP/1.1',
    ' HTTP/1.0',
    'Content-Length: ',
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Host: a',
    'GET ',
    'http://',
    'https://',
    '?',
    '*',
    ',',
    '\t',
    '\0',
    '__proto__: x',
    'Expect: 100-continue',
    'ÿ',
  ],
  maxOctets: 8192,
  maxSteps: (octets) => 2_000 + 40 * octets,
  check(input) {
    const text = Buffer.from(input).toString('latin1')
    try {
      const { request, length, chunked, persistent } = parseRequestHead(text)
      assert.match(request.method, /^[A-Za-z-]+$/)
      assert.ok(!/^https?:\/\//i.test(request.target) || request.target === '', request.target)
      assert.ok(!request.path.includes('?'))
      assert.ok(length >= 0, `a length of ${length}`)
      assert.ok(!(chunked && request.headers.has('content-length')), 'two framings')
      for (const [name, value] of request.headers) {
        assert.equal(name, name.toLowerCase())
        assert.doesNotMatch(value, /\r\n/)
      }
      assert.equal(typeof persistent, 'boolean')
      // What comes again in another case of its names reads the same.
      const again = parseRequestHead(text.replace(/^[^:\r\n]+(?=:)/gm, (name) => name.toUpperCase()))
      assert.deepEqual(again.request.headers, request.headers)
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error
      assert.ok([400, 431].includes(error.status))
    }
  },
}
