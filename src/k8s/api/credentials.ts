/** Credentials for the API server, and how their files, URLs and variables are read. */
import { readFile } from 'node:fs/promises'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Target } from './dial.ts'
import { ApiFailure } from './failure.ts'
import { proxyFromEnvironment } from './proxy.ts'

export interface Credentials {
  /** The server's name while its address is not known. */
  readonly name: string
  /** The identity in use, for messages about refused requests: `the token of FILE`. */
  readonly identity: string
  /** Rejects with ApiFailure 'config' that names the file or variable. */
  target(): Promise<Target>
  /** Headers of a request. Rejects like `target`. */
  headers(): Promise<Readonly<Record<string, string>>>
  /** The server rejected them (401): nothing cached may be used again. */
  refused(): void
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.trim()}` }
}

/** Rejects with an ApiFailure that names the file. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ApiFailure('config', `cannot read ${file}: ${errorMessage(error)}`)
  }
}

/** Throws an ApiFailure that names `origin`, where the text came from. */
export function parseUrl(text: string, origin: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url
  throw new ApiFailure('config', `${origin}: ${JSON.stringify(text)} is not an http:// or https:// URL`)
}

export function environmentProxy(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  try {
    return proxyFromEnvironment(url, env)
  } catch (error) {
    throw new ApiFailure('config', errorMessage(error))
  }
}
