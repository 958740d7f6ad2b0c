/**
 * Reads kubeconfig files whose user has a token, a client certificate or a password, and nothing that has to be executed or
 * requested. All other files, invalid ones included, are left to kubeconfig.ts.
 */
import { readFile, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { bearer, type Credentials, environmentProxy, parseUrl, readText } from './credentials.ts'
import type { TlsFacts } from './dial.ts'
import { type PlainMapping, type PlainValue, parsePlainYaml } from './plain-yaml.ts'
import { parseProxy } from './proxy.ts'

interface Plain {
  readonly cluster: Readonly<Record<string, string | boolean>>
  readonly user: Readonly<Record<string, string | boolean>>
}

const clusterKeys = [
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'insecure-skip-tls-verify',
  'tls-server-name',
  'proxy-url',
]
const userKeys = [
  'token',
  'tokenFile',
  'token-file',
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'username',
  'password',
]

/** `general` reads any file; it is used when the file's current contents need it. */
export function plainKubeconfig(
  file: string,
  context: string,
  env: NodeJS.ProcessEnv,
  general: () => Promise<Credentials>,
): Credentials {
  let loaded: { readonly plain: Plain | undefined; readonly signature: string } | undefined
  let opened: Promise<Credentials> | undefined
  const path = (name: string): string => (isAbsolute(name) ? name : join(dirname(file), name))

  const load = async (): Promise<Plain | undefined> => {
    const { ino, mtimeMs, size } = await stat(file)
    const signature = `${ino} ${mtimeMs} ${size}`
    if (loaded?.signature !== signature) loaded = { plain: findPlain(await readFile(file, 'utf8'), context), signature }
    return loaded.plain
  }

  /** `work`'s result for a plain file. For others, or when `work` fails, kubeconfig.ts does the same and reports errors. */
  const either = async <T>(work: (plain: Plain) => Promise<T>, otherwise: (all: Credentials) => Promise<T>) => {
    try {
      const plain = await load()
      if (plain !== undefined) return await work(plain)
    } catch {
      // The file, or one that it names, cannot be read.
    }
    opened ??= general()
    return otherwise(await opened)
  }

  const readTls = async ({ cluster, user }: Plain): Promise<TlsFacts> => {
    const from = async (entry: Plain['user'], key: string): Promise<Buffer | undefined> => {
      if (entry[key] !== undefined) return readFile(path(String(entry[key])))
      const data = entry[`${key}-data`]
      return data === undefined ? undefined : Buffer.from(String(data), 'base64')
    }
    const ca = await from(cluster, 'certificate-authority')
    const cert = await from(user, 'client-certificate')
    const key = await from(user, 'client-key')
    const servername = cluster['tls-server-name']
    const unverified = cluster['insecure-skip-tls-verify'] === true || String(cluster.server).startsWith('http:')
    return {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(servername !== undefined && { servername: String(servername) }),
      ...(unverified && { rejectUnauthorized: false }),
    }
  }

  return {
    name: `the cluster of ${file}`,
    identity: `the user of ${file}`,
    target: () =>
      either(
        async (plain) => {
          const { server, 'proxy-url': proxyUrl } = plain.cluster
          const url = parseUrl(String(server).replace(/\/$/, ''), `kubeconfig ${file}: server`)
          const proxy = proxyUrl === undefined ? environmentProxy(url, env) : parseProxy(String(proxyUrl), 'proxy-url')
          return { url, tls: await readTls(plain), proxy }
        },
        (all) => all.target(),
      ),
    headers: () =>
      either(
        async ({ user }) => {
          const { token, username, password } = user
          const tokenFile = tokenFileOf(user)
          if (tokenFile !== undefined) return bearer(await readText(path(String(tokenFile))))
          if (token !== undefined) return { authorization: `Bearer ${token}` }
          if (username === undefined) return {}
          return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
        },
        (all) => all.headers(),
      ),
    refused() {
      loaded = undefined
      opened?.then((all) => all.refused()).catch(() => undefined)
    },
  }
}

/** Kubernetes writes `tokenFile`; its JavaScript client library reads `token-file`. */
export const tokenFileOf = <T>(user: Readonly<Record<string, T>>): T | undefined => user.tokenFile ?? user['token-file']

function findPlain(text: string, context: string): Plain | undefined {
  const document = text.startsWith('{') ? (JSON.parse(text) as PlainMapping) : parsePlainYaml(text)
  const chosen = entryOf(document?.contexts, context || document?.['current-context'], 'context')
  const cluster = entryOf(document?.clusters, chosen?.cluster, 'cluster')
  const user = entryOf(document?.users, chosen?.user, 'user')
  if (!isPlain(cluster, clusterKeys) || !isPlain(user, userKeys) || cluster.server === undefined) return undefined
  return { cluster, user }
}

/** The value of `key` in the only entry with that name. */
function entryOf(list: PlainValue | undefined, name: PlainValue | undefined, key: string): PlainMapping | undefined {
  if (!Array.isArray(list) || typeof name !== 'string') return undefined
  const found: PlainMapping[] = []
  for (const entry of list) {
    // KubeConfig rejects a list with any incomplete entry.
    if (!isMapping(entry) || typeof entry.name !== 'string' || entry.name === '' || !isMapping(entry[key]))
      return undefined
    if (entry.name === name) found.push(entry[key])
  }
  return found.length === 1 ? found[0] : undefined
}

const isMapping = (value: PlainValue | undefined): value is PlainMapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether it has only keys known here, each with a text, or a boolean for those that are switches. */
function isPlain(entry: PlainMapping | undefined, keys: readonly string[]): entry is Plain['user'] & PlainMapping {
  return (
    entry !== undefined &&
    Object.entries(entry).every(
      ([key, value]) =>
        keys.includes(key) && (key.startsWith('insecure-') ? typeof value === 'boolean' : isText(value)),
    )
  )
}

const isText = (value: PlainValue): boolean => typeof value === 'string' && value !== ''
