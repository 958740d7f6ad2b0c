import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { maxHeadOctets, parseRequestHead } from '../../../src/telemetry/http/message.ts'

const head = (...fields: readonly string[]) => parseRequestHead(['GET / HTTP/1.1', 'Host: a', ...fields].join('\r\n'))

describe('the head of an HTTP request', () => {
  const values: readonly (readonly [field: string, value: string])[] = [
    ['X:a', 'a'],
    ['X: a', 'a'],
    ['X: \t a b\t ', 'a b'],
    ['X:', ''],
    ['X: \t ', ''],
    [`X: a${' '.repeat(9)}b`, `a${' '.repeat(9)}b`],
  ]
  for (const [field, value] of values)
    it(`the field ${JSON.stringify(field)} has the value ${JSON.stringify(value)} (RFC 9110 §5.5)`, () =>
      assert.equal(head(field).request.headers.get('x'), value))

  const connections: readonly (readonly [value: string, persistent: boolean])[] = [
    ['keep-alive', true],
    ['close', false],
    ['Upgrade ,\tClose', false],
    [`a${' '.repeat(99)}b`, true],
  ]
  for (const [value, persistent] of connections)
    it(`a connection with ${JSON.stringify(value)} is ${persistent ? 'kept' : 'ended'}`, () =>
      assert.equal(head(`Connection: ${value}`).persistent, persistent))

  const targets: readonly (readonly [sent: string, target: string])[] = [
    ['/health?a=b', '/health?a=b'],
    ['http://localhost:8080/health?a=b', '/health?a=b'],
    ['HTTPS://[::1]', '/'],
    ['http://localhost?a=b', '/?a=b'],
    ['*', '*'],
  ]
  for (const [sent, target] of targets)
    it(`the target ${sent} is ${target} (RFC 9112 §3.2)`, () =>
      assert.equal(parseRequestHead(`GET ${sent} HTTP/1.1\r\nHost: a`).request.target, target))

  // A pattern that takes blanks off both ends took minutes for these.
  const blanks = ' '.repeat(maxHeadOctets)
  for (const [what, field] of [
    ['a value of blanks that ends in a line feed', `X:${blanks}\n`],
    ['a value with blanks inside', `X: a${blanks}b`],
    ['a Connection with blanks inside', `Connection: a${blanks}b`],
  ] as const)
    it(`${what} does not keep the process busy`, () => {
      try {
        assert.ok(head(field).request.headers.size > 0)
      } catch (error) {
        assert.match(String(error), /a header field is invalid/)
      }
    })
})
