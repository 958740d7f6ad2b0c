/** A server on manifests with services of many sizes: what real clients and forwarders are pointed at. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namespace, service, slice } from '../conformance/objects.ts'
import { startServer } from '../support/server.ts'

/** Addresses of the headless service `n-SIZE`: around what fits into 512 and 1,232 octets, and far beyond. */
export const sizes = [1, 20, 29, 30, 73, 74, 1000] as const

export const zone = 'cluster.local'

export interface ServedCluster {
  readonly port: number
  stop(): Promise<void>
}

const http = [{ name: 'http', port: 80 }]

const objects = [
  namespace('apps'),
  service('apps', 'web', { clusterIP: '10.96.1.1', ports: http }),
  service('apps', 'alias', { type: 'ExternalName', externalName: `web.apps.svc.${zone}` }),
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

export async function serveCluster(): Promise<ServedCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-resolvers-'))
  const manifests = join(folder, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'all.yaml'), objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  const server = await startServer({
    waitFor: 'ready',
    corefile: ({ dns, ready }) => `
.:${dns} {
    errors
    ready :${ready}
    kubernetes ${zone} in-addr.arpa ip6.arpa {
        manifests ${manifests}
    }
    loadbalance
}
`,
  })
  return {
    port: server.ports.dns,
    async stop() {
      await server.stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
