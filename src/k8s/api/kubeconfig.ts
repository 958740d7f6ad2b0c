/**
 * kubeconfig files, through @kubernetes/client-node's KubeConfig: clusters, users, client certificates, exec plugins,
 * OIDC. Requests do not use that package (reflector.ts says why). A separate module, because it takes tens of MiB.
 */

import { stat } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { dirname, isAbsolute, join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { errorMessage } from '../../telemetry/error-text.ts'
import { type Credentials, environmentProxy, parseUrl, readText } from './credentials.ts'
import type { Target, TlsFacts } from './dial.ts'
import { ApiFailure } from './failure.ts'
import { tokenFileOf } from './plain-kubeconfig.ts'
import { parseProxy } from './proxy.ts'

/** Milliseconds for an exec plugin: it may log in somewhere, but a hanging one must not block the server. */
const execTimeout = 60_000

interface Loaded {
  readonly config: KubeConfig
  /** Changes when the file does. */
  readonly signature: string
  /** The user's `tokenFile`, which KubeConfig does not support; it reads `token-file` only once. */
  readonly tokenFile: string | undefined
}

/** `context` '' means the file's current-context. The file is read again when it changes. */
export function kubeconfig(file: string, context: string, env: NodeJS.ProcessEnv): Credentials {
  let loaded: Loaded | undefined

  const load = async (): Promise<Loaded> => {
    const facts = await stat(file).catch((error: Error) => {
      throw new ApiFailure('config', `cannot read kubeconfig ${file}: ${errorMessage(error)}`)
    })
    const signature = `${facts.ino} ${facts.mtimeMs} ${facts.size}`
    if (loaded?.signature !== signature) loaded = { ...parseKubeconfig(file, context, await readText(file)), signature }
    return loaded
  }

  /** TLS options and headers as KubeConfig computes them: this reads files and runs plugins. */
  const options = async ({ config }: Loaded): Promise<RequestOptions> => {
    const made: RequestOptions = {}
    const late = AbortSignal.timeout(execTimeout)
    const timeout = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error(`no credentials after ${execTimeout / 1000} s`)))
    })
    try {
      await Promise.race([config.applyToHTTPSOptions(made), timeout])
    } catch (error) {
      throw new ApiFailure('config', `kubeconfig ${file}: cannot get credentials: ${errorMessage(error).trim()}`)
    }
    return made
  }

  return {
    name: `the cluster of ${file}`,
    identity: `the user of ${file}`,
    async target(): Promise<Target> {
      const now = await load()
      const cluster = now.config.getCurrentCluster()!
      const url = parseUrl(cluster.server, `kubeconfig ${file}: server`)
      try {
        const proxy = cluster.proxyUrl ? parseProxy(cluster.proxyUrl, 'proxy-url') : environmentProxy(url, env)
        return { url, tls: tlsFacts(await options(now)), proxy }
      } catch (error) {
        throw error instanceof ApiFailure
          ? error
          : new ApiFailure('config', `kubeconfig ${file}: ${(error as Error).message}`)
      }
    },
    async headers() {
      const now = await load()
      const { headers = {}, auth } = await options(now)
      const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
      const sent: Record<string, string> = Object.fromEntries(own)
      if (now.tokenFile !== undefined) sent.authorization = `Bearer ${(await readText(now.tokenFile)).trim()}`
      else if (auth) sent.authorization ??= `Basic ${Buffer.from(auth).toString('base64')}`
      return sent
    },
    /** A new KubeConfig has no cached token, so exec plugins run again. */
    refused() {
      loaded = undefined
    },
  }
}

function parseKubeconfig(file: string, context: string, text: string): Omit<Loaded, 'signature'> {
  const fail = (reason: string): never => {
    throw new ApiFailure('config', `kubeconfig ${file}: ${reason}`)
  }
  const config = new KubeConfig()
  let document: KubeconfigDocument
  try {
    document = parse(text) as KubeconfigDocument
    const tokenless = withoutTokenFiles(document)
    config.loadFromString(JSON.stringify(tokenless))
    config.makePathsAbsolute(dirname(file))
  } catch (error) {
    return fail(`it does not parse: ${(error as Error).message.split('\n')[0]}`)
  }
  if (context !== '') config.setCurrentContext(context)
  const current = config.getCurrentContext()
  if (!current) return fail('it has no current-context; name one: kubeconfig FILE CONTEXT')
  if (config.getContextObject(current) === null) {
    const known = config.getContexts().map(({ name }) => name)
    return fail(`it has no context ${JSON.stringify(current)} (it has: ${known.join(', ') || 'none'})`)
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null) return fail(`the cluster of context ${JSON.stringify(current)} is missing`)
  // KubeConfig rejects http:// unless verification is off; there is nothing to verify.
  if (cluster.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true })
  const user = document.users?.find(({ name }) => name === config.getContextObject(current)?.user)
  const tokenFile = user?.user && tokenFileOf(user.user)
  return { config, tokenFile: tokenFile && (isAbsolute(tokenFile) ? tokenFile : join(dirname(file), tokenFile)) }
}

interface KubeconfigDocument {
  readonly users?: readonly { readonly name?: string; readonly user?: Record<string, string | undefined> }[]
}

/** Otherwise KubeConfig would read a token file immediately, only once, and relative to the wrong directory. */
function withoutTokenFiles(document: KubeconfigDocument): unknown {
  const users = document?.users?.map((entry) => ({ ...entry, user: { ...entry.user, 'token-file': undefined } }))
  return users === undefined ? document : { ...document, users }
}

function tlsFacts(made: RequestOptions): TlsFacts {
  const facts: Record<string, unknown> = {}
  for (const key of ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const) {
    if (made[key] !== undefined) facts[key] = made[key]
  }
  return facts
}
