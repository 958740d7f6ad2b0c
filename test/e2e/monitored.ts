/**
 * What the tests of dashboards and alerts look at: the built server with kubeadm's Corefile, a cluster that changes, an
 * upstream that sometimes fails and one that is silent, clients of many kinds, and a Prometheus that scrapes it.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { rcode } from '../../src/dns/codes.ts'
import { folder as manifests, movedCorefile } from '../manifests/objects.ts'
import { startApiServer } from '../support/api-server/index.ts'
import { type Prometheus, startPrometheus } from '../support/prometheus.ts'
import { question } from '../support/question.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { answering, type Script, silent, startUpstream } from '../support/upstream.ts'

export interface Monitored {
  readonly server: RunningServer
  readonly prometheus: Prometheus
  stop(): Promise<void>
}

const failing: Script = (arrived) => {
  const { name } = arrived.query.questions[0]!
  if (name.startsWith('servfail')) arrived.reply({ rcode: rcode.SERVFAIL })
  else if (name.startsWith('refused')) arrived.reply({ rcode: rcode.REFUSED })
  else if (name.startsWith('gone')) arrived.reply({ rcode: rcode.NXDOMAIN })
  else answering()(arrived)
}

/** Asked in turn, over UDP and TCP. Names of `new.` are new each time, so that no cache has them. */
const asked = [
  'web.shop.svc.cluster.local A',
  'web.shop.svc.cluster.local AAAA',
  '_http._tcp.web.shop.svc.cluster.local SRV',
  'db.shop.svc.cluster.local A',
  'nowhere.shop.svc.cluster.local A',
  'www.example.org.shop.svc.cluster.local A',
  '1.1.96.10.in-addr.arpa PTR',
  'www.example.org A',
  'servfail.new.example.org A',
  'refused.new.example.org A',
  'gone.new.example.org A',
  'www.new.example.org A',
]

export async function startMonitored(): Promise<Monitored> {
  const held: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    for (const end of held.splice(0).reverse()) await end()
  }
  try {
    const api = await startApiServer()
    held.push(api.stop)
    api.put(
      { kind: 'Namespace', metadata: { name: 'shop' } },
      service('web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'] }, { 'slicedns.io/ttl': 'soon' }),
      service('db', { clusterIP: 'None', clusterIPs: ['None'] }),
      service('canary', { clusterIP: 'None', clusterIPs: ['None'] }, { 'slicedns.io/split': 'db=90,web=10' }),
    )
    const [good, dead] = await Promise.all([startUpstream(failing), startUpstream(silent)])
    held.push(good.close, dead.close)
    const server = await startServer({
      waitFor: 'ready',
      args: ['-memory-limit', '512Mi'],
      corefile: (ports) =>
        movedCorefile(ports, `${good.to} ${dead.to}`, [
          `kubeconfig ${api.kubeconfig()}`,
          `snapshot ${join(api.folder, 'snapshot')}`,
        ])
          .replace(/cache 30 \{[^}]*\}/, 'cache 30')
          .replace('lameduck 5s', 'lameduck 0s')
          .replace(/(prometheus :\d+)/, '$1 {\n        compatibility_metrics\n    }'),
    })
    held.push(() => server.stop())
    const clients = await startClients(server.ports.dns, (round) => api.put(changedSlice(round)))
    held.push(clients.stop)
    const prometheus = await startPrometheus({
      target: `127.0.0.1:${server.ports.metrics}`,
      // What our rules ask for, and what the public mixin does.
      jobs: ['slicedns', 'kube-dns'],
      labels: { pod: 'slicedns-a', namespace: 'kube-system', cluster: 'test' },
      ruleFiles: [join(manifests, 'monitoring/alerts.yaml')],
    })
    held.push(prometheus.stop)
    // Watches fail, and cannot go on from where they were.
    api.kill()
    api.compact()
    await api.restart()
    return { server, prometheus, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function service(name: string, spec: object, annotations: Readonly<Record<string, string>> = {}) {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
  return {
    kind: 'Service',
    metadata: { namespace: 'shop', name, annotations },
    spec: { type: 'ClusterIP', ports, ...spec },
  }
}

/** The slice of a headless service, with another address each time, as the control plane writes it. */
function changedSlice(round: number) {
  return {
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'shop',
      name: 'db-a',
      labels: { 'kubernetes.io/service-name': 'db' },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: [`10.1.0.${1 + (round % 200)}`], conditions: { ready: true } }],
  }
}

/** Clients that ask everything ten times a second, until they are stopped. `everyRound` is called in between. */
async function startClients(port: number, everyRound: (round: number) => void): Promise<{ stop(): void }> {
  const udp = createSocket('udp4')
  udp.connect(port, '127.0.0.1')
  await once(udp, 'connect')
  // What the server answers is what it counts; a reply that nobody waits for is read and forgotten.
  udp.on('error', () => undefined)
  const tcp = connect(port, '127.0.0.1')
  tcp.on('error', () => undefined)
  tcp.resume()
  let round = 0
  const timer = setInterval(() => {
    round++
    everyRound(round)
    for (const [index, text] of asked.entries()) {
      const message = question(text.replace('new.', `new-${round}.`), index + 1)
      // The DO bit is the highest of the OPT record's flags, which are its TTL's last two octets.
      if (round % 2 === 0) message[message.length - 4]! |= 0x80
      udp.send(message)
      if (!tcp.destroyed) tcp.write(Buffer.concat([Buffer.of(0, message.length), message]))
    }
  }, 100)
  return {
    stop() {
      clearInterval(timer)
      udp.close()
      tcp.destroy()
    },
  }
}
