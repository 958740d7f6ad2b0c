/** A small cluster behind a real HTTP server, and the credentials with which a pod reaches it. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { startApiServer } from '../support/api-server/index.ts'
import { apiServer } from './places.ts'

const secrets = '/var/run/secrets/kubernetes.io/serviceaccount'

const slice = (namespace: string, service: string, addresses: readonly string[]) => ({
  kind: 'EndpointSlice',
  metadata: { namespace, name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
})

const service = (namespace: string, name: string, clusterIP: string, spec: object = {}) => ({
  kind: 'Service',
  metadata: { namespace, name },
  spec: {
    clusterIP,
    clusterIPs: [clusterIP],
    type: 'ClusterIP',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    ...spec,
  },
})

/** Starts the API server and writes the service account of a pod. Gives the environment of the pod. */
export async function startCluster(): Promise<NodeJS.ProcessEnv> {
  const token = 'token-of-the-pod'
  const api = await startApiServer({
    token,
    address: apiServer,
    certificate: (authority) => authority.issue({ names: [apiServer, 'kubernetes.default.svc'] }),
  })
  for (const name of ['default', 'shop', 'namespace']) api.put({ kind: 'Namespace', metadata: { name } })
  api.put(
    service('default', 'kubernetes', apiServer),
    service('shop', 'web', '10.96.1.1'),
    slice('shop', 'web', ['10.244.0.1', '10.244.0.2']),
    service('shop', 'db', 'None'),
    slice('shop', 'db', ['10.244.0.3', '10.244.0.4', '10.244.0.5']),
    service('namespace', 'website', '10.96.1.2'),
    service('default', 'foo', '10.96.1.3'),
  )
  mkdirSync(secrets, { recursive: true })
  writeFileSync(`${secrets}/token`, token)
  writeFileSync(`${secrets}/namespace`, 'kube-system')
  cpSync(api.caFile, `${secrets}/ca.crt`)
  return { KUBERNETES_SERVICE_HOST: apiServer, KUBERNETES_SERVICE_PORT: String(api.port) }
}
