import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../src/cli/watch.ts'
import { until } from '../support/until.ts'
import { littleServer, type Say, terminal } from './support.ts'

test('watch prints the first answer and each change of its records, but not of their order or TTL', async () => {
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
      'A of web.example.: NXDOMAIN, the name does not exist',
      '- A 192.0.2.2',
      '- A 192.0.2.3',
      '+ A 192.0.2.4',
    ],
  )
})

test('watch goes on while the server is away, and exits with 1 if the last lookup failed', async () => {
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
