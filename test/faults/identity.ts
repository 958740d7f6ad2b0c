/** Who the server is to the API server: the files of a pod and of a kubeconfig, as the kubelet writes and replaces them. */
import { join } from 'node:path'
import type { Random } from '../conformance/random-source.ts'
import { type Authority, createAuthority } from '../support/api-server/certificates.ts'
import type { ApiServer } from '../support/api-server/index.ts'
import { peer } from '../support/peers.ts'
import { createProjectedVolume, type ProjectedVolume } from '../support/projected-volume.ts'

export interface Identity {
  /** `ca.crt`, `token`, `tls.crt` and `tls.key`: those of a service account, and those that the kubeconfigs name. */
  readonly volume: ProjectedVolume
  /** Of the client certificate. */
  readonly clients: Authority
  /** Another way to the same API server for each start. */
  draw(random: Random): Access
}

export interface Access {
  /** undefined: the service account, where pods have it. */
  readonly kubeconfig: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** What must stand before the command. */
  readonly under: readonly string[]
}

export const firstToken = 'first'

/** In a mount namespace of its own the process finds the volume where Kubernetes puts it. */
const mount = 'mount -t tmpfs none /run && mkdir -p "$0" && mount --bind "$VOLUME" "$0" && exec "$@"'
const serviceAccount = '/run/secrets/kubernetes.io/serviceaccount'

export function createIdentity(api: ApiServer): Identity {
  const clients = createAuthority('slicedns test clients')
  api.clientAuthority = clients
  const { cert, key } = clients.issue({ commonName: 'slicedns' })
  const files = { 'ca.crt': api.authority.cert, token: firstToken, 'tls.crt': cert, 'tls.key': key }
  const volume = createProjectedVolume(join(api.folder, 'volume'), files)
  const path = (name: string) => join(volume.folder, name)
  const cluster = { 'certificate-authority': path('ca.crt') }
  const kubeconfigs = [
    { tokenFile: path('token') },
    { 'client-certificate': path('tls.crt'), 'client-key': path('tls.key') },
  ].map((user) => api.kubeconfig({ cluster, user: { token: undefined, ...user } }))
  const pod: Access = {
    kubeconfig: undefined,
    env: {
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(api.port),
      VOLUME: volume.folder,
    },
    under: ['unshare', '--mount', 'sh', '-c', mount, serviceAccount],
  }
  const mayMount = process.getuid?.() === 0 && peer('unshare') !== undefined
  const all = [
    ...kubeconfigs.map((kubeconfig): Access => ({ kubeconfig, env: {}, under: [] })),
    ...(mayMount ? [pod] : []),
  ]
  return { volume, clients, draw: (random) => random.pick(all) }
}
