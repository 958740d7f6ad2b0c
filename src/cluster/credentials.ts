/** Where the API server is and who we are to it. Files are read again for each connection, tokens for each request. */
import { readFile } from 'node:fs/promises'
import type { Target } from './dial.ts'
import { ApiFailure } from './failure.ts'
import { proxyFromEnvironment } from './proxy.ts'
import type { ClusterConfig } from './types.ts'

export interface Credentials {
  /** What to call the server while its address is not known. */
  readonly name: string
  /** What identifies us, for the message of a refused request: `the token of FILE`. */
  readonly identity: string
  /** Rejects with ApiFailure 'config' that names the file or variable. */
  target(): Promise<Target>
  /** Headers of a request. Rejects like `target`. */
  headers(): Promise<Readonly<Record<string, string>>>
  /** The server did not accept them (401): nothing cached may be used again. */
  refused(): void
}

export type ApiSource = Exclude<ClusterConfig['source'], { kind: 'manifests' }>

/** Where Kubernetes mounts a pod's service account. */
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Opens nothing yet. kubeconfig files need @kubernetes/client-node, which costs megabytes: only they load it. */
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
      const { kubeconfig } = await import('./kubeconfig.ts')
      return kubeconfig(source.file, source.context, env)
    }
  }
}

/** What Kubernetes gives every pod: two variables, a CA and a token that is renewed every hour. */
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

export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.trim()}` }
}

/** Rejects with ApiFailure that names the file. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ApiFailure('config', `cannot read ${file}: ${(error as Error).message}`)
  }
}

/** Throws ApiFailure that names what held it. */
export function parseUrl(text: string, origin: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url
  throw new ApiFailure('config', `${origin}: ${JSON.stringify(text)} is no http:// or https:// URL`)
}

export function environmentProxy(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  try {
    return proxyFromEnvironment(url, env)
  } catch (error) {
    throw new ApiFailure('config', (error as Error).message)
  }
}
