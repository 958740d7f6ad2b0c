/** The keys of a `tsig`, and those of other blocks of its listeners. */

import { lowerName, NameError, parseName } from '../../dns/name.ts'
import { defaultTsigAlgorithm, isTsigAlgorithm, type TsigKey } from '../../dns/tsig.ts'
import type { FileReading, Shared } from '../../plugin/contract.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { readKeyFile } from './key-file.ts'
import type { TsigSettings } from './settings.ts'

/** By name, lower case and absolute. */
type Keys = ReadonlyMap<string, TsigKey>

/** Reads keys of the Corefile and of the files. `pathOf` resolves a path as written. */
export function readKeys(
  { keys, files }: TsigSettings,
  { fail, log }: FileReading,
  pathOf: (written: string) => string,
): Keys {
  const all = new Map<string, TsigKey>()

  function add(name: string, secret: string, algorithm: string): void {
    const octets = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(secret)
    // As in CoreDNS, an unusable key does not keep the server from starting.
    if (octets) all.set(name, { name, secret: Buffer.from(secret, 'base64'), algorithm })
    else log.warning(`the secret of the key ${name} is not base64: the key is not used`)
  }

  for (const { name, secret } of keys) add(name, secret, defaultTsigAlgorithm)
  for (const { text, at } of files) {
    try {
      for (const { name, secret, algorithm } of readKeyFile(pathOf(text))) {
        if (all.has(name)) throw new RangeError(`the key ${name} is defined twice`)
        add(name, secret, algorithmOf(algorithm))
      }
    } catch (error) {
      return fail(`cannot read keys from ${text}: ${errorMessage(error)}`, at)
    }
  }
  return all
}

function algorithmOf(written: string | undefined): string {
  if (written === undefined) return defaultTsigAlgorithm
  try {
    const name = lowerName(parseName(written))
    // As in CoreDNS, an unknown algorithm is not an error, because clients choose the algorithm.
    return isTsigAlgorithm(name) ? name : defaultTsigAlgorithm
  } catch (error) {
    if (error instanceof NameError) return defaultTsigAlgorithm
    throw error
  }
}

/** Keys by listener: those of all server blocks that share it. */
export interface ListenerKeys {
  add(servers: readonly string[], keys: Keys): { remove(): void }
  find(server: string | undefined, name: string): TsigKey | undefined
}

export function sharedKeys(): Shared<ListenerKeys> {
  const added = new Set<{ readonly servers: readonly string[]; readonly keys: Keys }>()
  const value: ListenerKeys = {
    add(servers, keys) {
      const entry = { servers, keys }
      added.add(entry)
      return { remove: () => void added.delete(entry) }
    },
    find(server, name) {
      for (const { servers, keys } of added) {
        const key = server !== undefined && servers.includes(server) ? keys.get(name) : undefined
        if (key) return key
      }
      return undefined
    },
  }
  return { value, stop() {} }
}
