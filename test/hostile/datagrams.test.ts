import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunningServer } from '../support/server.ts'
import { converse, type Good } from './conversation.ts'
import { hostileDatagram, nameOctets } from './datagrams.ts'
import { askDnspython, withoutDnspython } from './dnspython.ts'
import { goodAddress, misbehaviourNames, startUpstreams } from './garbage-upstream.ts'
import { createRandom, type Random, seed } from './random.ts'
import { assertUnharmed, everyKindOfName, startVictim, ways } from './victim.ts'

/** For each way of UDP. HOSTILE_DATAGRAMS=1000000 is the full run. */
const volume = Number(process.env.HOSTILE_DATAGRAMS ?? 20_000)

/** So many that no socket's receive buffer overflows, whatever the system's limit for it. */
const burst = 48
const burstOctets = 64 * 1024

/** With room to spare V8 lets garbage lie for long; like this, what grows is what is held. */
const smallHeap = { NODE_OPTIONS: '--max-old-space-size=64' }

/** Names that the hostile datagrams are about. */
const names = [
  'gateway.inference.svc.cluster.local',
  'llm.inference.svc.cluster.local',
  '_http._tcp.llm.inference.svc.cluster.local',
  'llm-0.llm.inference.svc.cluster.local',
  'models.inference.svc.cluster.local',
  'missing.inference.svc.cluster.local',
  'cluster.local',
  'svc.cluster.local',
  'dns-version.cluster.local',
  'www.example.com.inference.svc.cluster.local',
  '20.12.96.10.in-addr.arpa',
  '1.2.0.192.in-addr.arpa',
  '10-1-2-3.inference.pod.cluster.local',
  'http.tcp.llm.inference.svc.cluster.local',
  'whoami.test',
  'cached.example.org',
  '.',
].map(nameOctets)

/** What the service is for, whatever else arrives. By the table, as its denial, by the chain, forwarded, cached. */
const fence: readonly Good[] = [
  { name: 'gateway.inference.svc.cluster.local', type: 1, rcode: 0, last: 'A 10.96.12.20' },
  { name: 'nothing.inference.svc.cluster.local', type: 1, rcode: 3, last: undefined },
]
const others = (n: number): readonly Good[] => [
  { name: `10-1-2-${n % 256}.inference.pod.cluster.local`, type: 1, rcode: 0, last: `A 10.1.2.${n % 256}` },
  { name: `n${n}.good.example`, type: 1, rcode: 0, last: `A ${goodAddress}` },
  { name: 'cached.example', type: 1, rcode: 0, last: `A ${goodAddress}` },
  { name: 'llm-0.llm.inference.svc.cluster.local', type: 1, rcode: 0, last: 'A 10.244.1.2' },
]

/** Of upstreams each question is a new one: what is cached would spare them the trouble. */
function chooseNames(random: Random, n: number): readonly Buffer[] {
  if (random.chance(0.05)) return [nameOctets(`n${n}.example.net`)]
  if (!random.chance(0.15)) return names
  const kind = random.pick(misbehaviourNames)
  // Silence costs seconds, and is the same each time.
  return [nameOctets(`n${n}.${kind === 'silence' && random.chance(0.9) ? 'noise' : kind}.is.garbage.test`)]
}

for (const way of ways) {
  describe(`${volume} random and mutated datagrams, UDP by ${way} (HOSTILE_SEED=${seed})`, () => {
    let upstreams: Awaited<ReturnType<typeof startUpstreams>>
    let server: RunningServer
    before(async () => {
      upstreams = await startUpstreams(seed)
      server = await startVictim(way, { corefile: everyKindOfName(upstreams), env: smallHeap })
    })
    after(async () => {
      await server?.stop('SIGKILL')
      await upstreams?.close()
    })

    test('mutated datagrams harm nobody: each gets the reply that it deserves, good queries among them their answers', async (t) => {
      const second = withoutDnspython === false ? askDnspython() : undefined
      t.after(() => second?.kill())
      const random = createRandom(seed)
      let busy: Promise<unknown> | undefined
      const client = await converse(server.ports.dns, (reply) => {
        busy = second?.look(reply)
      })
      t.after(client.close)
      const pid = server.pid
      const began = { memory: 0, output: server.output().length, at: performance.now() }
      const slow: Promise<void>[] = []
      const ask = (good: Good) =>
        client.ask(good).catch((error: Error) => {
          throw new Error(`${error.message}\n${server.output().slice(-2000)}`)
        })
      for (let sent = 0; sent < volume; ) {
        for (let octets = 0, i = 0; i < burst && octets < burstOctets && sent < volume; i++, sent++) {
          const datagram = hostileDatagram(random, chooseNames(random, sent))
          octets += datagram.length
          client.send(datagram)
        }
        // The queue is in order: with this reply everything before it has been read.
        await ask(random.pick(fence))
        if (random.chance(0.2)) slow.push(ask(random.pick(others(sent))))
        if (slow.length >= 100) await Promise.all(slow.splice(0))
        // A tenth of the way every cache and buffer has what it will need.
        if (began.memory === 0 && sent > volume / 10) began.memory = server.residentMemory()
        await busy
      }
      await Promise.all(slow)
      await client.settled()
      const { sent, deserving, replies, good, rcodes } = client.counts
      t.diagnostic(
        `${sent} sent, ${replies} replies in ${((performance.now() - began.at) / 1000).toFixed(1)} s; ${good} good`,
      )
      t.diagnostic(`rcodes ${JSON.stringify(Object.fromEntries([...rcodes].sort(([a], [b]) => a - b)))}`)
      assert.deepEqual(client.failures, [])
      assert.equal(replies, deserving)
      if (second) {
        const { seen, failures } = await second.finish()
        t.diagnostic(`${seen} replies shown to dnspython`)
        assert.deepEqual(failures, [])
      } else t.diagnostic(String(withoutDnspython))
      await assertUnharmed(server, pid)
      const grown = server.residentMemory() - began.memory
      t.diagnostic(`resident memory ${began.memory.toFixed(0)} MiB, ${grown.toFixed(0)} MiB more at the end`)
      assert.ok(grown < 64, `${grown} MiB more than at the beginning`)
      const printed = server.output().length - began.output
      t.diagnostic(`${printed} octets of log`)
      assert.ok(printed < 2_000_000, server.output().slice(0, 4000))
    })
  })
}
