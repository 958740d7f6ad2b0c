import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createFakeClock } from '../support/fake-clock.ts'

function collect(options: { debug?: boolean } = {}) {
  const clock = createFakeClock()
  const lines: string[] = []
  const write = (text: string) => void lines.push(...text.split('\n').slice(0, -1))
  return { clock, lines, log: createLogger({ write, clock, ...options }) }
}

describe('the log', () => {
  it('the log writes CoreDNS’s lines: level and text, no timestamp', () => {
    const { log, lines } = collect()
    log.info('up')
    log.warning('odd')
    log.error('bad')
    log.plugin('errors').error('2 a.org. A: timeout')
    log.plugin('log').plugin('').info('query')
    assert.deepEqual(lines, [
      '[INFO] up',
      '[WARNING] odd',
      '[ERROR] bad',
      '[ERROR] plugin/errors: 2 a.org. A: timeout',
      '[INFO] query',
    ])
  })

  it('the log writes JSON records: time, level, msg, plugin, fields, in that order', () => {
    const lines: string[] = []
    const clock = createFakeClock()
    const log = createLogger({ write: (line) => void lines.push(line), clock, format: 'json' })
    log.setDebug?.(true)
    log.debug('seen')
    log.info('a\nb "c" \x1b[2J \x9b')
    log.plugin('errors').warning('odd')
    log.plugin('log').plugin('').info('query', { plugin: 'log', id: 7, dnssec_ok: false, rcode: null })
    const time = new Date(clock.wall()).toISOString()
    assert.deepEqual(lines, [
      `{"time":"${time}","level":"DEBUG","msg":"seen"}\n`,
      `{"time":"${time}","level":"INFO","msg":"a\\nb \\"c\\" \\u001b[2J \\u009b"}\n`,
      `{"time":"${time}","level":"WARN","msg":"odd","plugin":"errors"}\n`,
      `{"time":"${time}","level":"INFO","msg":"query","plugin":"log","id":7,"dnssec_ok":false,"rcode":null}\n`,
    ])
  })

  it('the log writes DEBUG lines only while debugging, for every plugin at once', () => {
    const { log, lines } = collect()
    const plugin = log.plugin('cache')
    plugin.debug('one')
    log.setDebug?.(true)
    plugin.debug('two')
    log.setDebug?.(false)
    plugin.debug('three')
    assert.deepEqual(lines, ['[DEBUG] plugin/cache: two'])
  })

  it('the log lets no text from outside forge a line or drive a terminal', () => {
    const { log, lines } = collect()
    log.error('upstream said\n[ERROR] all is lost\x1b[2J')
    assert.deepEqual(lines, ['[ERROR] upstream said', '    [ERROR] all is lost\\x1b[2J'])
  })

  it('the log cuts a flood of one level, says how much is missing, and leaves other levels alone', () => {
    const { log, lines, clock } = collect()
    for (let i = 0; i < 1_000; i++) log.error(`failure ${i}`)
    log.warning('still heard')
    assert.equal(lines.length, 101)
    clock.advance(1_000)
    assert.equal(lines.at(-1), '[WARNING] 900 ERROR lines left out: more than 100 a second')
    log.error('heard again')
    assert.equal(lines.at(-1), '[ERROR] heard again')
  })
  it('the log cuts an entry of 100,000 characters', () => {
    const { log, lines } = collect()
    log.error('x'.repeat(100_000))
    assert.equal(lines.length, 1)
    assert.match(lines[0], /^\[ERROR\] x{8192}… \(100000 characters\)$/)
  })

  it('the log counts a long line as several, so that a second has its bound in octets too', () => {
    const { log, lines, clock } = collect()
    for (let i = 0; i < 1_000; i++) log.error('x'.repeat(2_560))
    assert.equal(lines.length, 10)
    clock.advance(1_000)
    assert.match(lines.at(-1) ?? '', /990 ERROR lines left out/)
  })
})
