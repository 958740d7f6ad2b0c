import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { createLineWriter } from '../../src/telemetry/line-writer.ts'

const lostLines = (count: number) => `[WARNING] ${count} log lines lost: standard output is not read fast enough\n`

/** A stream whose reader takes nothing until told to. */
function slowStream() {
  const chunks: string[] = []
  let proceed: (() => void) | undefined
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk))
      proceed = done
    },
  })
  return {
    stream,
    text: () => chunks.join(''),
    read() {
      while (proceed) {
        const done = proceed
        proceed = undefined
        done()
      }
    },
  }
}

describe('the line writer', () => {
  it('the line writer hands the lines of one turn to the stream together', async () => {
    const { stream, text } = slowStream()
    const writer = createLineWriter(stream, lostLines)
    writer.write('one\n')
    writer.write('two\n')
    assert.equal(text(), '')
    await new Promise(setImmediate)
    assert.equal(text(), 'one\ntwo\n')
  })

  it('the line writer hands over at once what is left before the process exits', () => {
    const { stream, text } = slowStream()
    const writer = createLineWriter(stream, lostLines)
    writer.write('last words\n')
    writer.flush()
    assert.equal(text(), 'last words\n')
  })

  it('the line writer gives lines up instead of memory when nobody reads, and says how many once somebody does', () => {
    const { stream, text, read } = slowStream()
    const writer = createLineWriter(stream, lostLines)
    const line = `${'x'.repeat(1023)}\n`
    for (let i = 0; i < 3_000; i++) {
      writer.write(line)
      writer.flush()
    }
    assert.ok(stream.writableLength <= (1 << 20) + line.length)
    read()
    writer.write('after\n')
    writer.flush()
    read()
    assert.match(text().slice(-80), /\[WARNING\] 1\d{3} log lines lost: .*\nafter\n$/)
  })

  it('the line writer goes on in silence when the reader has gone', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
    const writer = createLineWriter(stream, lostLines)
    writer.write('one\n')
    writer.flush()
    await new Promise(setImmediate)
    writer.write('two\n')
    writer.flush()
  })
})
