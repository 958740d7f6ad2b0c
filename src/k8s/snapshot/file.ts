/** The snapshot's file: opened only where it is safe to, replaced whole. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SnapshotRefused } from './refusal.ts'

/**
 * Octets of a snapshot. 8,000 Services and 144,000 endpoints with the names of their pods take 4 MB, 150,000 pods of `pods
 * verified` 10; annotations may be larger than that, but a state of more than this takes seconds to read.
 */
export const largestSnapshot = 64 * 1024 * 1024

/** What a process that was killed while it wrote has left is removed after so long. Milliseconds. */
const abandonedAfter = 60_000

/**
 * Neither a link, which may lead anywhere, nor a pipe, which would never end; and one that only we, or root, can have written: what
 * stands in it decides where clients connect. Rejects with SnapshotRefused.
 */
export async function openSnapshot(file: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  const handle = await openPlainly(file)
  try {
    const { size, uid, mode } = await handle.stat().then(
      (found) => (found.isFile() ? found : Promise.reject(unsafe(file, 'is not a regular file'))),
      (error: Error) => Promise.reject(unreadable(file, error)),
    )
    const own = process.geteuid?.()
    if (own !== undefined && uid !== own && uid !== 0) {
      throw unsafe(file, `belongs to user ${uid}, and this process is user ${own}`)
    }
    if (mode & 0o002) throw unsafe(file, 'can be written by everybody')
    if (size > largestSnapshot) {
      throw new SnapshotRefused(
        'damaged',
        `${file} has ${size} octets, more than the ${largestSnapshot} of any snapshot`,
      )
    }
    return { handle, size }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openPlainly(file: string): Promise<FileHandle> {
  // Without O_NONBLOCK the opening of a pipe waits for its writer.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  try {
    return await open(file, flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new SnapshotRefused('missing', `there is no ${file}`)
    if (code === 'ELOOP') throw unsafe(file, 'is a symbolic link')
    throw unreadable(file, error as Error)
  }
}

const unsafe = (file: string, what: string) => new SnapshotRefused('unsafe', `${file} ${what}`)

const unreadable = (file: string, error: Error) =>
  error instanceof SnapshotRefused ? error : new SnapshotRefused('unreadable', `cannot read ${file}: ${error.message}`)

/**
 * Puts a new file in the place of `file` when `write` has filled it: whoever reads sees the old one or the new one, after a loss of
 * power too. Rejects with what failed; then the old one is still there.
 */
export async function replaceFile(file: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`
  const handle = await open(draft, 'wx', 0o600)
  try {
    try {
      await write(handle)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await unlink(draft).catch(() => {})
    throw error
  }
  await syncFolder(dirname(file))
}

/** Makes the new name last. Some file systems cannot, and do not need to. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    // The file is in its place.
  }
}

/** Removes drafts of processes that ended while they wrote. */
export async function removeAbandoned(file: string, now: number): Promise<void> {
  const folder = dirname(file)
  const prefix = `${basename(file)}.`
  try {
    for (const name of await readdir(folder)) {
      if (!name.startsWith(prefix) || !/^\d+-[0-9a-f]{8}\.tmp$/.test(name.slice(prefix.length))) continue
      const path = join(folder, name)
      if (now - (await stat(path)).mtimeMs > abandonedAfter) await unlink(path)
    }
  } catch {
    // What cannot be listed cannot be written either, and that is reported.
  }
}
