/** `wait`, `discover`, `failover`: what init containers and scripts ask. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { run as discover } from '../../src/cli/discover.ts'
import { run as failover } from '../../src/cli/failover.ts'
import { run as wait } from '../../src/cli/wait.ts'
import { freePort } from '../support/ports.ts'
import { type LittleServer, littleServer, type Say, terminal } from './support.ts'

const service = 'worker.ml.svc.cluster.local.'
const answers: Readonly<Record<string, Say>> = {
  [`${service} A`]: { answer: [`${service} 5 IN A 10.0.0.1`, `${service} 5 IN A 10.0.0.2`] },
  [`${service} SRV`]: {
    answer: [
      `${service} 5 IN SRV 0 50 29500 worker-0.${service}`,
      `${service} 5 IN SRV 0 50 29500 worker-1.${service}`,
    ],
  },
  [`_._tcp.${service} SRV`]: {
    answer: [
      `_._tcp.${service} 5 IN SRV 0 50 29500 worker-0.${service}`,
      `_._tcp.${service} 5 IN SRV 0 50 29500 worker-1.${service}`,
    ],
  },
  [`_gang._tcp.${service} SRV`]: { answer: [`_gang._tcp.${service} 5 IN SRV 0 50 29500 worker-0.${service}`] },
  'pool.ml.svc.cluster.local. A': { answer: ['pool.ml.svc.cluster.local. 5 IN A 10.0.0.9'] },
  'pool.ml.svc.cluster.local. SRV': {
    answer: [
      'pool.ml.svc.cluster.local. 5 IN SRV 0 50 80 gpu-1.pool.ml.svc.cluster.local.',
      'pool.ml.svc.cluster.local. 5 IN SRV 0 50 80 gpu-0.pool.ml.svc.cluster.local.',
      'pool.ml.svc.cluster.local. 5 IN SRV 0 50 80 elsewhere-0.example.',
    ],
  },
  'gpu-0.pool.ml.svc.cluster.local. A': { answer: ['gpu-0.pool.ml.svc.cluster.local. 5 IN A 10.0.0.9'] },
  [`worker-0.${service} A`]: { answer: [`worker-0.${service} 5 IN A 10.0.0.1`] },
  [`worker-1.${service} A`]: { answer: [`worker-1.${service} 5 IN A 10.0.0.2`] },
  [`worker-3.${service} A`]: { answer: [`worker-3.${service} 5 IN A 10.0.0.4`] },
  'empty.ml.svc.cluster.local. A': {},
}

describe('commands about a Service', () => {
  let server: LittleServer
  /** Answers of the name that grows: one record more each time. */
  let grown = 0
  before(async () => {
    server = await littleServer((question) => {
      if (question === 'grows.ml.svc.cluster.local. A')
        return {
          answer: Array.from({ length: ++grown }, (_, i) => `grows.ml.svc.cluster.local. 5 IN A 10.0.1.${i}`),
        }
      if ((question.endsWith(' AAAA') && !question.startsWith('gone.')) || question.startsWith('empty.')) return {}
      return answers[question] ?? { rcode: 'NXDOMAIN' }
    })
  })
  after(() => server.close())

  async function run(command: typeof wait, ...args: string[]) {
    const io = terminal()
    const code = await command([...args, `@127.0.0.1:${server.port}`], io)
    const clean = (text: string) => text.replaceAll(String(server.port), 'PORT')
    return { code, out: clean(io.out()), err: clean(io.err()) }
  }

  test('wait ends when the name has as many records as it should, and says how it grows', async () => {
    const { code, out, err } = await run(wait, 'grows', '-n', 'ml', '--count', '3', '--interval', '1ms')
    assert.deepEqual([code, out], [0, 'grows.ml.svc.cluster.local. has 3 A records\n'])
    assert.equal(
      err,
      [1, 2].map((n) => `waiting for grows.ml.svc.cluster.local. at 127.0.0.1:PORT: ${n} of 3 records\n`).join(''),
    )
  })

  test('wait gives up after its time, and says what was missing', async () => {
    const { code, err } = await run(wait, service, '--count', '3', '--timeout', '20ms', '--interval', '1ms')
    assert.equal(code, 1)
    assert.match(err, /^worker\.ml\.svc\.cluster\.local\.: 2 of 3 records after 20ms$/m)
    const gone = await run(wait, 'gone', '-n', 'ml', '--timeout', '1ms')
    assert.equal(gone.code, 1)
    assert.match(gone.err, /gone\.ml\.svc\.cluster\.local\.: NXDOMAIN after 1ms\n$/)
  })

  test('wait says with --json how it ended', async () => {
    const enough = await run(wait, service, '--count', '2', '--json')
    const { seconds, ...found } = JSON.parse(enough.out)
    assert.equal(typeof seconds, 'number')
    const asked = { name: service, type: 'A', server: '127.0.0.1:PORT' }
    assert.deepEqual(found, { ...asked, found: true, records: 2, count: 2, note: '2 of 2 records' })
    const late = await run(wait, service, '--count', '3', '--timeout', '1ms', '-o', 'json')
    const { found: isFound, records } = JSON.parse(late.out)
    assert.deepEqual([late.code, isFound, records], [1, false, 2])
  })

  test('wait refuses times and counts that are not valid', async () => {
    assert.equal((await run(wait, service, '--count', '0')).code, 2)
    assert.equal((await run(wait, service, '--timeout', 'soon')).code, 2)
  })

  test('discover lists addresses, ports, and pods up to the first gap', async () => {
    const { code, out } = await run(discover, 'worker', '-n', 'ml')
    assert.equal(code, 0)
    assert.equal(
      out,
      `${service} at 127.0.0.1:PORT
address  10.0.0.1
address  10.0.0.2
port     (name not known)/tcp 29500 (2 targets)
pod      worker-0.${service} 10.0.0.1
pod      worker-1.${service} 10.0.0.2
`,
    )
  })

  test('discover prints the same as JSON', async () => {
    const { out } = await run(discover, service, '--json')
    const { addresses, ports, pods } = JSON.parse(out)
    assert.deepEqual(addresses, ['10.0.0.1', '10.0.0.2'])
    assert.deepEqual(ports, [{ name: '', protocol: 'tcp', port: 29500, targets: 2 }])
    assert.equal(pods.length, 2)
  })

  test('discover finds the names of ports that are given', async () => {
    const { out } = await run(discover, service, '--ports', 'http,gang')
    assert.match(out, /^port {5}gang\/tcp 29500 \(2 targets\)$/m)
  })

  test('discover finds the pods of a StatefulSet whose name is not the Service’s, and ports of servers that name no protocol', async () => {
    const { out } = await run(discover, 'pool', '-n', 'ml', '--json')
    const { ports, pods } = JSON.parse(out)
    assert.deepEqual(ports, [{ name: '', protocol: '', port: 80, targets: 3 }])
    assert.deepEqual(pods, [{ name: 'gpu-0.pool.ml.svc.cluster.local.', addresses: ['10.0.0.9'] }])
  })

  test('discover takes a Service, no address to look up', async () => {
    for (const [args, says] of [
      [[], /^SERVICE is missing\nUsage: slicedns discover SERVICE/],
      [['-x', '10.0.0.1'], /^flag provided but not defined: -x\nUsage: /],
    ] as const) {
      const io = terminal()
      assert.equal(await discover([...args], io), 2)
      assert.match(io.err(), says)
    }
  })

  test('discover tells a name that is missing from one without anything', async () => {
    assert.equal((await run(discover, 'gone.ml.svc.cluster.local')).code, 3)
    assert.equal((await run(discover, 'empty.ml.svc.cluster.local')).code, 4)
  })
})

describe('slicedns failover', () => {
  test('failover prints the first address that accepts a connection, and says why others do not', async () => {
    const listening = createServer((socket) => socket.destroy())
    const port = await freePort()
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.2', resolve))
    const io = terminal()
    try {
      const args = ['127.0.0.3', '127.0.0.2', '127.0.0.1', '--port', String(port)]
      assert.equal(await failover(args, io), 0)
    } finally {
      listening.close()
    }
    assert.equal(io.out(), '127.0.0.2\n')
    assert.equal(io.err(), '127.0.0.3: connection refused\n')
  })

  test('failover fails where none accepts, and lists each as JSON', async () => {
    const io = terminal()
    assert.equal(await failover(['127.0.0.3', '--port', String(await freePort()), '--json'], io), 1)
    const { address, attempts } = JSON.parse(io.out())
    assert.deepEqual([address, attempts.length, attempts[0].failure], [undefined, 1, 'connection refused'])
  })

  for (const args of [[], ['a'], ['a', '--port', '0'], ['a', '--port', '1', '--timeout', '0']])
    test(`failover refuses the command line '${args.join(' ')}'`, async () => {
      assert.equal(await failover(args, terminal()), 2)
    })
})
