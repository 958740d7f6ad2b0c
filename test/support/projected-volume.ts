/** A folder of files that change all at once, as the kubelet projects secrets and service accounts into pods. */
import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ProjectedVolume {
  readonly folder: string
  /** Replaces these files; the others stay. Readers see all of the old ones, or all of the new. */
  write(changes: Readonly<Record<string, string>>): void
}

/**
 * Each file is a link into `..data`, itself a link to the folder of the moment, which is renamed over the old one (kubelet's
 * AtomicWriter): a file that is followed by its own inode or name never changes.
 */
export function createProjectedVolume(folder: string, files: Readonly<Record<string, string>>): ProjectedVolume {
  const data = join(folder, '..data')
  let generation = 0
  let present: Readonly<Record<string, string>> = {}

  function write(changes: Readonly<Record<string, string>>): void {
    const before = generation === 0 ? undefined : readlinkSync(data)
    const next = `..generation-${++generation}`
    present = { ...present, ...changes }
    mkdirSync(join(folder, next))
    for (const [name, text] of Object.entries(present)) writeFileSync(join(folder, next, name), text)
    symlinkSync(next, `${data}_tmp`)
    renameSync(`${data}_tmp`, data)
    if (before !== undefined) rmSync(join(folder, before), { recursive: true })
  }

  mkdirSync(folder, { recursive: true })
  write(files)
  for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(folder, name))
  return { folder, write }
}
