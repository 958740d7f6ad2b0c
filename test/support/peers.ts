/** Programs that tests compare with or need. Absent ones skip a test with a reason, except in CI, where they must be there. */
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const folders = [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/sbin',
  '/sbin',
  join(process.env.SLICEDNS_PEERS ?? join(homedir(), '.cache/slicedns-peers'), 'bin'),
]

/** Where the program is, or undefined. */
export function peer(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/**
 * For `test(…, { skip: without('etcd') })`: false when every program is there, else the reason to skip. Throws instead
 * when SLICEDNS_REQUIRE_PEERS is set, as .ci/run does.
 */
export function without(...names: readonly string[]): string | false {
  const missing = names.filter((name) => peer(name) === undefined)
  return missing.length > 0 && unmet(`needs ${missing.join(', ')} (test/support/peers/build.sh, or .ci/run)`)
}

/** The same for another condition: `skip: !root && unmet('needs root')`. */
export function unmet(reason: string): string {
  if (process.env.SLICEDNS_REQUIRE_PEERS === '1') throw new Error(`SLICEDNS_REQUIRE_PEERS is set, and this ${reason}`)
  return reason
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
