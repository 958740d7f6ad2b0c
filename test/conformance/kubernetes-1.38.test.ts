/**
 * What Kubernetes 1.38 has pods and Services look like, and what CoreDNS 1.15.0 and slicedns say of them: addresses of pods, finished
 * pods, names that begin with a digit.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { dig } from '../support/dig.ts'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { type NamedServer, startNamed } from './side-by-side.ts'

const namespace = 'shop'

const pod = (name: string, status: object) => ({ kind: 'Pod', metadata: { namespace, name }, status })

function service(name: string, clusterIP: string) {
  const spec = { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }
  return { kind: 'Service', metadata: { namespace, name }, spec: { type: 'ClusterIP', ...spec } }
}

const slice = (name: string, address: string, hostname: string) => ({
  kind: 'EndpointSlice',
  metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  endpoints: [{ addresses: [address], hostname, conditions: { ready: true } }],
})

const objects = [
  { kind: 'Namespace', metadata: { name: namespace } },
  pod('one', { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }] }),
  pod('alone', { phase: 'Running', podIP: '10.1.0.2' }),
  pod('dual', { phase: 'Running', podIP: '10.1.0.3', podIPs: [{ ip: '10.1.0.3' }, { ip: 'fd00:1::3' }] }),
  pod('waiting', { phase: 'Pending', podIP: '10.1.0.4', podIPs: [{ ip: '10.1.0.4' }] }),
  pod('done', { phase: 'Succeeded', podIP: '10.1.0.5', podIPs: [{ ip: '10.1.0.5' }] }),
  pod('dead', { phase: 'Failed', podIP: '10.1.0.6', podIPs: [{ ip: '10.1.0.6' }] }),
  service('1web', '10.96.0.1'),
  service('2', '10.96.0.2'),
  service('10-96-0-9', '10.96.0.3'),
  service('3db', 'None'),
  slice('3db', '10.1.0.1', '0-db'),
]

const pods = `${namespace}.pod.cluster.local`
const services = `${namespace}.svc.cluster.local`

/** `theirs`: where CoreDNS says something else, for which docs/differences.md has a line. */
const cases: readonly { asked: string; said: string; theirs?: string }[] = [
  { asked: `10-1-0-1.${pods} A`, said: 'NOERROR 10.1.0.1' },
  { asked: `10-1-0-2.${pods} A`, said: 'NOERROR 10.1.0.2', theirs: 'NXDOMAIN' },
  { asked: `10-1-0-3.${pods} A`, said: 'NOERROR 10.1.0.3' },
  { asked: `fd00-1--3.${pods} AAAA`, said: 'NOERROR fd00:1::3' },
  { asked: `fd00-1--3.${pods} A`, said: 'NOERROR' },
  { asked: `10-1-0-4.${pods} A`, said: 'NOERROR 10.1.0.4' },
  { asked: `10-1-0-5.${pods} A`, said: 'NXDOMAIN' },
  { asked: `10-1-0-6.${pods} A`, said: 'NXDOMAIN' },
  { asked: `10-1-0-7.${pods} A`, said: 'NXDOMAIN' },
  { asked: `1web.${services} A`, said: 'NOERROR 10.96.0.1' },
  { asked: `_http._tcp.1web.${services} SRV`, said: `NOERROR 0 100 80 1web.${services}.` },
  { asked: `2.${services} A`, said: 'NOERROR 10.96.0.2' },
  { asked: `10-96-0-9.${services} A`, said: 'NOERROR 10.96.0.3' },
  { asked: `3db.${services} A`, said: 'NOERROR 10.1.0.1' },
  { asked: `0-db.3db.${services} A`, said: 'NOERROR 10.1.0.1' },
  { asked: '1.0.96.10.in-addr.arpa PTR', said: `NOERROR 1web.${services}.` },
  { asked: '3.0.96.10.in-addr.arpa PTR', said: `NOERROR 10-96-0-9.${services}.` },
]

describe('objects of Kubernetes 1.38', { skip: without('coredns', 'dig') }, () => {
  let api: ApiServer
  let servers: readonly NamedServer[] = []

  async function said(server: NamedServer, asked: string): Promise<string> {
    const [name, type] = asked.split(' ')
    const { rcode, answer } = await dig(name, type, { port: server.port })
    return [rcode, ...answer.map((record) => record.split(' ').slice(4).join(' '))].join(' ')
  }

  before(async () => {
    api = await startApiServer({ transport: 'http' })
    api.put(...objects)
    const corefile = (port: number) => `.:${port} {
      bind 127.0.0.1
      kubernetes cluster.local in-addr.arpa {
        endpoint ${api.url}
        pods verified
      }
    }\n`
    servers = await Promise.all([startNamed('slicedns', corefile), startNamed('CoreDNS', corefile)])
    for (const server of servers)
      await until(async () => assert.match(await said(server, `10-1-0-1.${pods} A`), /^NOERROR 1/))
  })

  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await api?.stop()
  })

  for (const { asked, said: wanted, theirs = wanted } of cases)
    it(`the question ${asked} is answered '${wanted}', by CoreDNS '${theirs}'`, async () => {
      // dig gives up after 3 s, which a busy machine may take to start it.
      await until(async () => {
        const [ours, others] = await Promise.all(servers.map((server) => said(server, asked)))
        assert.deepEqual({ ours, others }, { ours: wanted, others: theirs })
      })
    })
})
