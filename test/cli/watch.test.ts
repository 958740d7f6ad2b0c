import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../src/cli/watch.ts'
import { until } from '../support/until.ts'
import { littleServer, type Say, terminal } from './support.ts'

test('a watch prints the first answer, then each change, and neither order nor TTL is one', async () => {
  const stages: Say[] = [
    { answer: ['web.example. 5 IN A 192.0.2.1', 'web.example. 5 IN A 192.0.2.2'] },
    { answer: ['web.example. 4 IN A 192.0.2.2', 'web.example. 4 IN A 192.0.2.1'] },
    { answer: ['web.example. 5 IN A 192.0.2.2', 'web.example. 5 IN A 192.0.2.3'] },
    { rcode: 'NXDOMAIN' },
    { answer: ['web.example. 5 IN A 192.0.2.4'] },
  ]
  const server = await littleServer(() => (stages.length > 1 ? stages.shift() : stages[0]))
  const io = terminal()
  const stop = new AbortController()
  const watching = run(['web.example', `@127.0.0.1:${server.port}`, '-interval', '1'], io, stop.signal)
  await until(() => assert.match(io.out(), /192\.0\.2\.4/))
  stop.abort()
  assert.equal(await watching, 0)
  await server.close()
  const [head, ...lines] = io.out().trimEnd().split('\n')
  assert.equal(head, `watching A of web.example. at 127.0.0.1:${server.port}`)
  for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}/)
  assert.deepEqual(
    lines.map((line) => line.replace(/^\S+ {2}/, '')),
    [
      '= A 192.0.2.1',
      '= A 192.0.2.2',
      '- A 192.0.2.1',
      '+ A 192.0.2.3',
      'A of web.example.: NXDOMAIN, there is no such name',
      '- A 192.0.2.2',
      '- A 192.0.2.3',
      '+ A 192.0.2.4',
    ],
  )
})

test('a watch goes on when the server is away, and ends with 1 when that was the last it saw', async () => {
  const server = await littleServer(() => undefined)
  await server.close()
  const io = terminal()
  const stop = new AbortController()
  const watching = run(['web.example', '--tcp', '-p', String(server.port), '-interval', '1'], io, stop.signal)
  await until(() => assert.match(io.out(), /connection refused/))
  stop.abort()
  assert.equal(await watching, 1)
  assert.equal(io.out().match(/connection refused/g)?.length, 1)
})
