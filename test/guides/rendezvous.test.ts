/** docs/rendezvous.md as it stands, on a real API server and the built server; the test plays the controllers. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { rcodeName } from '../../src/dns/codes.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { slice, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { without } from '../support/peers.ts'
import { question } from '../support/question.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { kubectl, readGuide } from './guide.ts'

const skip = without(...controlPlanePrograms, 'kubectl', 'dig')
const zone = 'worker.default.svc.cluster.local'
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'

let cluster: TestCluster
let server: RunningServer

before(async () => {
  if (skip) return
  cluster = await startCluster()
  const guide = readGuide('rendezvous')
  await kubectl(cluster.kubeconfig(cluster.adminToken)).apply(guide.next('yaml').text)
  guide.end()
  server = await cluster.serve()
})

after(async () => {
  await server?.stop()
  await cluster?.stop()
})

/** What the EndpointSlice controller writes for pods that have addresses, in the order of their ordinals. */
function endpointsOf(...ordinals: readonly number[]): object {
  const endpoints = ordinals.map((ordinal) => ({ address: `10.9.0.${ordinal + 1}`, hostname: `worker-${ordinal}` }))
  const ports = [{ name: 'rendezvous', port: 29_500 }]
  return slice({ namespace: 'default', name: 'worker-abc', service: 'worker', ports, endpoints })
}

const publish = (...ordinals: readonly number[]) =>
  cluster.requestAs(
    cluster.adminToken,
    'APPLY',
    `${slices}/worker-abc?fieldManager=test&force=true`,
    endpointsOf(...ordinals),
  )

interface Heard {
  readonly at: number
  readonly id: number
  readonly text: string
}

/** Every reply that a socket gets. */
function listen(socket: Socket): { readonly heard: Heard[] } {
  const heard: Heard[] = []
  socket.on('message', (octets) => heard.push(heardFrom(octets)))
  return { heard }
}

function heardFrom(octets: Uint8Array): Heard {
  const message = parseMessage(octets)
  const text = [rcodeName(message.rcode), ...message.answer.map(recordText)].join(' ')
  return { at: performance.now(), id: message.id, text }
}

async function udp(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.connect(server.ports.dns, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

const held = async () =>
  Number(/^slicedns_held_queries (\d+)$/m.exec((await server.http('metrics', '/metrics')).body)?.[1])

const untilHeld = (count: number) => until(async () => assert.equal(await held(), count), { every: 50 })

test('a question asked before its endpoint exists gets its one answer from the event', { skip }, async (t) => {
  const socket = await udp()
  t.after(() => socket.close())
  const { heard } = listen(socket)
  const watch = await cluster.watch(slices)
  t.after(() => watch.close())
  const delays: number[] = []
  for (let round = 0; round < 3; round++) {
    const known = Array.from({ length: round }, (_, ordinal) => ordinal)
    socket.send(question(`worker-${round}.${zone} A`, round))
    const askedAt = performance.now()
    await untilHeld(1)
    // As long as it takes for the pod to have an address.
    await until(() => assert.ok(performance.now() - askedAt >= 1000))
    const event = watch.next(({ object }) => object.endpoints?.length === round + 1)
    await publish(...known, round)
    const eventAt = await event
    await until(() => assert.equal(heard.length, round + 1), { every: 1 })
    assert.ok(heard[round]!.at > askedAt + 1000, 'it waited')
    assert.equal(heard[round]!.text, `NOERROR worker-${round}.${zone}. 30 IN A 10.9.0.${round + 1}`)
    delays.push(heard[round]!.at - eventAt)
  }
  delays.sort((a, b) => a - b)
  t.diagnostic(`event to reply: median ${delays[1]!.toFixed(1)} ms, at most ${delays[2]!.toFixed(1)} ms`)
  assert.deepEqual(
    heard.map(({ id }) => id),
    [0, 1, 2],
  )
})

test('a question that waits holds up nothing behind it on its TCP connection, `cache` or not', { skip }, async (t) => {
  const socket = connect(server.ports.dns, '127.0.0.1')
  t.after(() => socket.destroy())
  const heard: Heard[] = []
  let input = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    input = Buffer.concat([input, chunk])
    while (input.length >= 2 && input.length >= 2 + input.readUInt16BE()) {
      const end = 2 + input.readUInt16BE()
      heard.push(heardFrom(input.subarray(2, end)))
      input = input.subarray(end)
    }
  })
  const ask = (name: string, id: number) => {
    const octets = question(name, id)
    socket.write(Buffer.concat([Uint8Array.of(octets.length >> 8, octets.length & 255), octets]))
  }
  // More than a connection may have with the plugins at a time, and all of one name: none waits for another's answer.
  for (let id = 0; id < 200; id++) ask(`worker-9.${zone} A`, id)
  await untilHeld(200)
  ask(`nowhere.${zone} A`, 1000)
  await until(() => assert.equal(heard.length, 1))
  assert.deepEqual([heard[0]!.id, heard[0]!.text], [1000, 'NXDOMAIN'])
  await publish(0, 1, 2, 9)
  await until(() => assert.equal(heard.length, 201))
  assert.ok(heard.slice(1).every(({ text }) => text === `NOERROR worker-9.${zone}. 30 IN A 10.9.0.10`))
  assert.equal(new Set(heard.map(({ id }) => id)).size, 201)
})

test('a client that asks for more than its share takes nothing from others', { skip }, async (t) => {
  const [greedy, other] = [await udp(), await udp()]
  t.after(() => {
    greedy.close()
    other.close()
  })
  const { heard } = listen(greedy)
  // No more at a time than a socket of the server has room for, however late it is.
  for (let id = 0; id < 600; id++) {
    greedy.send(question(`worker-${1000 + id}.${zone} A`, id))
    if (id % 150 === 149) await until(async () => assert.equal(await held(), Math.min(id + 1, 512)), { every: 5 })
  }
  await until(() => assert.equal(heard.length, 600 - 512))
  assert.equal(await held(), 512)
  // A name that the plugins answer, as those that wait are theirs.
  const answered = once(other, 'message', { signal: AbortSignal.timeout(5000) })
  other.send(question('10-9-8-7.default.pod.cluster.local A', 1))
  assert.match(heardFrom((await answered)[0]).text, /10\.9\.8\.7$/)
  await until(() => assert.equal(heard.length, 600))
  assert.ok(heard.every(({ text }) => text === 'NXDOMAIN'))
  assert.equal(new Set(heard.map(({ id }) => id)).size, 600)
})

test('a hold on a Service of ready pods only is in effect, with a hint in the log', { skip }, async () => {
  const metadata = { name: 'lonely', namespace: 'default', annotations: { 'slicedns.io/hold': '1s' } }
  await cluster.create({ apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: 'None' } })
  await server.printed(/Service default\/lonely: annotation slicedns\.io\/hold .*publishNotReadyAddresses/)
  const { authority } = await server.dig('lonely-0.lonely.default.svc.cluster.local', 'A')
  assert.match(authority[0]!, /^cluster\.local\. 1 IN SOA/)
})

test('a pod that never comes is denied, and its denial may be kept for a second at most', { skip }, async () => {
  const { rcode, authority } = await server.dig(`worker-77.${zone}`, 'A')
  assert.equal(rcode, 'NXDOMAIN')
  assert.match(authority[0]!, /^cluster\.local\. 1 IN SOA .* 1$/)
  const other = await server.dig(`unlike-77.${zone}`, 'A')
  assert.match(other.authority[0]!, /^cluster\.local\. 30 IN SOA .* 30$/)
})

test('questions that wait are answered, not lost, by a reload and by the end of the server', { skip }, async (t) => {
  const socket = await udp()
  t.after(() => socket.close())
  const { heard } = listen(socket)
  socket.send(question(`worker-50.${zone} A`, 1))
  await untilHeld(1)
  server.signal('SIGUSR1')
  await server.printed(/Reloading/)
  await publish(0, 1, 2, 9, 50)
  await until(() => assert.equal(heard[0]?.text, `NOERROR worker-50.${zone}. 30 IN A 10.9.0.51`))
  await server.printed(/Reloading complete/)
  socket.send(question(`worker-51.${zone} A`, 2))
  await untilHeld(1)
  await server.stop()
  await until(() => assert.deepEqual([heard[1]?.id, heard[1]?.text], [2, 'NXDOMAIN']))
  assert.equal(heard.length, 2)
})
