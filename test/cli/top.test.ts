import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { cut, documentText, screenLines, views } from '../../src/cli/top/layout.ts'
import { run } from '../../src/cli/top.ts'
import { listenLocally } from '../../src/local-socket/index.ts'
import { until } from '../support/until.ts'
import { consoleState as state } from './console-state.ts'
import { terminal } from './support.ts'

describe('the text of slicedns top', () => {
  const text = documentText(state)

  const said: readonly [what: string, pattern: RegExp][] = [
    [
      'the server and its memory',
      /^2026-11-30T12:00:00\.000Z ready · up 1d2h · memory 120 MiB of 170 MiB \(71 %\) · pid 4711 at node-a/,
    ],
    ['what an API server that is away means', /NOT CONNECTED, ANSWERS FROM A SNAPSHOT 1h0m old/],
    ['how old the data is', /services 12, last event 1m15s ago/],
    ['a reload that failed', /reload +1m1s ago FAILED/],
    ['rates by rcode', /rcodes +NOERROR 12\.0k\/s {2}NXDOMAIN 345\/s/],
    ['who answers', /answered by +table 12\.3k\/s {2}relay 40\/s {2}chain 5\.0\/s/],
    ['latency now and an hour ago', /latency +p50 0\.05 ms {2}p99 1\.2 ms\n +an hour ago +p50 0\.06 ms {2}p99 340 ms/],
    ['what ndots costs', /ndots costs +40 % of the queries: search paths of www\.example\.com\./],
    ['top names, and how many more there are', /NAMES \(last 5m0s\)\n +1000\/s {2}host-0\.example\.\n[\s\S]*… 21 more/],
    [
      'clients, and that a few ask seldom',
      /CLIENTS \(last 5m0s\)\n +7\.0\/s {2}10\.1\.0\.1\n +<0\.1\/s {2}10\.1\.0\.2\n/,
    ],
    [
      'services without a ready endpoint',
      /WITHOUT A READY ENDPOINT \(1 of 3\)\n +shop\/web +ClusterIP +2 not ready, 1 terminating/,
    ],
    ['shares of a split', /shop\/cart {2}stable {2}configured 90 % {2}served 88 % {2}3 ready/],
    ['upstreams', /10\.0\.0\.2:53 {2}forward \. {2}DOWN, 3 failed {2}20 ms {2}40\/s {2}2 under way/],
    [
      'changes of answers',
      /2s ago {2}db\.shop\.svc\.cluster\.local\. A {2}-10\.0\.0\.1 \+10\.0\.0\.3 {2}EndpointSlice shop\/db-x/,
    ],
  ]
  for (const [what, pattern] of said)
    test(`top shows ${what}`, () => {
      assert.match(text, pattern)
    })

  test('top shows names, errors and annotations that could steer a terminal as text, a line each', () => {
    const shown = [
      text,
      ...views.flatMap((view) => screenLines(state, { ...choice, view }, { columns: 200, rows: 60 })),
    ]
    for (const part of shown) assert.doesNotMatch(part, /(?!\n)[\p{Cc}\p{Cf}]/u)
    assert.equal(text.split('\n').filter((line) => line.startsWith('ready')).length, 0)
    assert.match(text, /\\u001b\]52;c;cm0gLXJm\\u0007/)
  })

  test('top does not miss endpoints of a split: its backends have them', () => {
    const [{ namespace, name }] = state.splits
    const split = { ...state.services.list[0]!, namespace, name }
    const withSplit = documentText({ ...state, services: { ...state.services, list: [split] } })
    assert.doesNotMatch(withSplit, new RegExp(`${namespace}/${name} +${split.type}`))
  })

  const choice = { view: views[0], order: 'figure', paused: false, trouble: '' } as const

  test('top fits every screen, whatever its size and the names', () => {
    const size = fc.record({ columns: fc.integer({ min: 1, max: 160 }), rows: fc.integer({ min: 1, max: 70 }) })
    fc.assert(
      fc.property(size, fc.constantFrom(...views), fc.constantFrom('figure', 'name'), (fit, view, order) => {
        const lines = screenLines(state, { ...choice, view, order: order as 'figure' }, fit)
        assert.equal(lines.length, fit.rows)
        for (const line of lines) assert.ok([...line].length <= fit.columns, line)
      }),
    )
  })

  test('top cuts lines between characters, and counts wide ones twice', () => {
    assert.equal(cut('日本語', 6), '日本語')
    assert.equal(cut('日本語', 5), '日…')
    assert.equal(cut('e\u0301e\u0301', 2), 'e\u0301e\u0301')
    assert.equal(cut('🎉🎉', 3), '…')
  })

  test('top sorts lists by name when it is asked to', () => {
    const lines = screenLines(state, { ...choice, view: views[2], order: 'name' }, { columns: 100, rows: 40 })
    const at = (text: string) => lines.findIndex((line) => line.includes(text))
    assert.ok(at('shop/db') < at('shop/web'), lines.join('\n'))
  })
})

/** The cursor is back, and the screen of before. */
const leave = '\u001b[?25h\u001b[?1049l'

const main = join(import.meta.dirname, '../../src/main.ts')
const hasScript = process.platform === 'linux'

describe('slicedns top', { skip: process.platform !== 'linux' }, () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/state' ? 200 : 404).end(JSON.stringify(request.url === '/state' ? state : {}))
  })
  before(async () => {
    await listenLocally(server)
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  const pid = ['--pid', String(process.pid)]

  test('top prints one document into a pipe, and ends', async () => {
    const io = terminal()
    assert.equal(await run(pid, io), 0, io.err())
    assert.equal(io.out(), documentText(state))
  })

  test('top --json --count prints a state a line', async () => {
    const io = terminal()
    assert.equal(await run(['--json', '--count', '2', '--interval', '100ms', ...pid], io), 0, io.err())
    assert.deepEqual(
      io
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [state, state],
    )
  })

  for (const [args, code, says] of [
    [['--pid', '1'], 1, /^no slicedns process at pid 1/],
    [['--count', '0'], 2, /^--count must be/],
    [['--interval', '1ms'], 2, /^--interval must be/],
    [['web'], 2, /^unexpected argument 'web'/],
  ] as const)
    test(`top ${args.join(' ')} ends with ${code}`, async () => {
      const io = terminal()
      assert.equal(await run([...args], io), code)
      assert.match(io.err(), says)
    })

  /** A terminal of its own, by script(1). */
  function inTerminal(): { child: ChildProcess; out(): string } {
    const command = `tty; stty rows 30 cols 100; exec ${process.execPath} ${main} top ${pid.join(' ')}; `
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm' } })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    return { child, out: () => out }
  }

  test('top redraws in a terminal as keys and its size say, and leaves it as it was', {
    skip: !hasScript,
  }, async (t) => {
    const { child, out } = inTerminal()
    t.after(() => child.kill())
    const last = () => out().split('\u001b[H').at(-1) ?? ''
    await until(() => assert.match(last(), /NAMES \(last 5m0s\)/))
    assert.ok(out().includes('\u001b[?1049h\u001b[?25l'))
    assert.equal(last().split('\r\n').length, 30)
    child.stdin!.write('3')
    await until(() => assert.match(last(), /3 SERVICES[\s\S]*shop\/cart/))
    child.stdin!.write(' ')
    await until(() => assert.match(last(), /PAUSED/))
    const tty = /^(\/dev\/\S+)/.exec(out())![1]
    execFileSync('stty', ['-F', tty, 'rows', '12', 'cols', '40'])
    await until(() => assert.equal(last().split('\r\n').length, 12))
    child.stdin!.write('q')
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.ok(out().trimEnd().endsWith(leave))
  })

  test('top gives the terminal back at Ctrl-C', async (t) => {
    const { child, out } = inTerminal()
    t.after(() => child.kill())
    await until(() => assert.match(out(), /NAMES \(last 5m0s\)/))
    child.stdin!.write('\u0003')
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.ok(out().trimEnd().endsWith(leave))
  })
})
