/** The API server's address and the credentials for it. Files are read again for each connection, tokens for each request. */

import type { ClusterConfig } from '../model/config.ts'
import { bearer, type Credentials, environmentProxy, parseUrl, readText } from './credentials.ts'
import { ApiFailure } from './failure.ts'
import { plainKubeconfig } from './plain-kubeconfig.ts'

export type ApiSource = Exclude<ClusterConfig['source'], { kind: 'manifests' }>

/** Where Kubernetes mounts a pod's service account. */
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Opens nothing yet. Only kubeconfig files that need @kubernetes/client-node load it, because it costs megabytes. */
export async function openCredentials(
  source: ApiSource,
  env: NodeJS.ProcessEnv = process.env,
  serviceAccount = serviceAccountFolder,
): Promise<Credentials> {
  switch (source.kind) {
    case 'in-cluster':
      return inCluster(env, serviceAccount)
    case 'endpoint':
      return endpoint(source, env)
    case 'kubeconfig': {
      const { file, context } = source
      return plainKubeconfig(file, context, env, async () => {
        const { kubeconfig } = await import('./kubeconfig.ts')
        return kubeconfig(file, context, env)
      })
    }
  }
}

/** What Kubernetes provides to every pod: two variables, a CA and a token that is renewed every hour. */
function inCluster(env: NodeJS.ProcessEnv, serviceAccount: string): Credentials {
  const tokenFile = `${serviceAccount}/token`
  return {
    name: 'the cluster that we run in',
    identity: `the token of ${tokenFile}`,
    async target() {
      const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
      if (!host || !port) {
        throw new ApiFailure(
          'config',
          'not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; name the API server with `endpoint` or `kubeconfig`, or serve `manifests`',
        )
      }
      const url = parseUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, 'KUBERNETES_SERVICE_HOST')
      return { url, tls: { ca: await readText(`${serviceAccount}/ca.crt`) }, proxy: environmentProxy(url, env) }
    },
    headers: async () => bearer(await readText(tokenFile)),
    refused() {},
  }
}

function endpoint(source: Extract<ApiSource, { kind: 'endpoint' }>, env: NodeJS.ProcessEnv): Credentials {
  const { tls } = source
  return {
    name: source.url,
    identity: tls === undefined ? 'no credentials at all' : `the client certificate ${tls.cert}`,
    async target() {
      const url = parseUrl(source.url.includes('://') ? source.url : `http://${source.url}`, 'endpoint')
      const proxy = environmentProxy(url, env)
      if (tls === undefined) return { url, tls: {}, proxy }
      const [cert, key, ca] = await Promise.all([tls.cert, tls.key, tls.ca].map(readText))
      return { url, tls: { cert, key, ca }, proxy }
    },
    headers: async () => ({}),
    refused() {},
  }
}
