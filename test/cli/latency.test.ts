import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quantile, run } from '../../src/cli/latency.ts'
import { littleServer, terminal } from './support.ts'

test('latency asks -n times and prints four figures', async () => {
  const server = await littleServer(() => ({ answer: ['web.example. 5 IN A 192.0.2.1'] }))
  const io = terminal()
  assert.equal(await run(['web.example', `@127.0.0.1:${server.port}`, '-n', '20'], io), 0, io.err())
  await server.close()
  assert.equal(server.asked.length, 20)
  assert.match(
    io.out(),
    /^A of web\.example\. at 127\.0\.0\.1:\d+: 20 NOERROR\nmin {5}[\d.]+ ms\nmedian {2}[\d.]+ ms\np99 {5}[\d.]+ ms\nmax {5}[\d.]+ ms\n$/,
  )
})

test('latency counts lookups without reply, and gives up at once on a closed port', async () => {
  const server = await littleServer(() => undefined)
  await server.close()
  const io = terminal()
  assert.equal(await run(['web.example', '-p', String(server.port), '-timeout', '60000'], io), 1)
  assert.match(io.out(), /: 5 without reply\n$/)
  assert.match(io.err(), /^nothing listens at 127\.0\.0\.1:\d+ over udp \(connection refused\)\n$/)
})

test('a quantile is a time that was measured', () => {
  const times = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => quantile(times, share)),
    [1, 50, 99, 100],
  )
  assert.equal(quantile([7], 0.99), 7)
})
