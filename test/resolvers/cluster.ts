/** A server on manifests with services of every kind and many sizes: what real clients and forwarders are pointed at. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namespace, service, slice } from '../conformance/objects.ts'
import { freePorts, type RunningServer, startServer } from '../support/server.ts'

/** Addresses of the headless service `n-SIZE`: around what fits into 512 and 1,232 octets, and far beyond. */
export const sizes = [1, 20, 29, 30, 73, 74, 1000] as const

export const zone = 'cluster.local'

export interface ServedCluster {
  readonly port: number
  readonly server: RunningServer
  stop(): Promise<void>
}

export interface ServingOptions {
  /** Words before the server's command, and with them port 53 of 127.0.0.1: inside a pod. */
  readonly inside?: readonly string[]
  /** Where names go that are not the cluster's: ADDRESS:PORT. Default: they are refused. */
  readonly upstream?: string
}

/**
 * 127.0.0.53 is systemd-resolved's. Replies over UDP as across a network: over loopback systemd-resolved announces
 * 65,508 octets, and would have no use for TCP.
 */
const podLines = `bind 127.0.0.1 ::1
    bufsize 1232`

const http = [{ name: 'http', port: 80 }]
const dual = ['IPv4', 'IPv6'] as const

const objects = [
  namespace('apps'),
  service('apps', 'web', {
    clusterIP: '10.96.1.1',
    clusterIPs: ['10.96.1.1', 'fd00:96::1:1'],
    ipFamilies: dual,
    ports: http,
  }),
  service('apps', 'four', { clusterIP: '10.96.1.4', ports: http }),
  service('apps', 'six', {
    clusterIP: 'fd00:96::1:6',
    clusterIPs: ['fd00:96::1:6'],
    ipFamilies: ['IPv6'],
    ports: http,
  }),
  service('apps', 'alias', { type: 'ExternalName', externalName: `four.apps.svc.${zone}` }),
  service('apps', 'outside', { type: 'ExternalName', externalName: 'www.example.com' }),
  service('apps', 'db', { clusterIP: 'None', ports: http }),
  slice('apps', 'db-4', 'db', 'IPv4', http, [
    ['10.60.0.1', { hostname: 'db-0' }],
    ['10.60.0.2', { hostname: 'db-1' }],
  ]),
  slice('apps', 'db-6', 'db', 'IPv6', http, [['fd00:60::1', { hostname: 'db-0' }]]),
  ...sizes.flatMap((size) => [
    service('apps', `n-${size}`, { clusterIP: 'None', ports: http }),
    slice(
      'apps',
      `n-${size}`,
      `n-${size}`,
      'IPv4',
      http,
      Array.from({ length: size }, (_, at) => [`10.50.${at >> 8}.${at & 255}`] as const),
    ),
  ]),
]

export async function serveCluster({ inside, upstream }: ServingOptions = {}): Promise<ServedCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-resolvers-'))
  const manifests = join(folder, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'all.yaml'), objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  const ports = await freePorts()
  const server = await startServer({
    // Its /ready is not to be reached from outside a pod.
    waitFor: inside ? 'banner' : 'ready',
    under: inside ?? [],
    ports: { ...ports, dns: inside ? 53 : ports.dns },
    corefile: ({ dns, ready, metrics }) => `
.:${dns} {
    ${inside ? podLines : ''}
    errors
    ready :${ready}
    prometheus :${metrics}
    kubernetes ${zone} in-addr.arpa ip6.arpa {
        manifests ${manifests}
    }
    ${upstream ? `forward . ${upstream}` : ''}
    loadbalance
}
`,
  })
  return {
    port: server.ports.dns,
    server,
    async stop() {
      await server.stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
