/** The snapshot's file: opened only if that is safe, and replaced as a whole. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SnapshotRefused } from './refusal.ts'

/**
 * Octets of a snapshot. 8,000 Services and 144,000 endpoints with the names of their pods take 4 MB, 150,000 pods for `pods
 * verified` 10. Annotations could take more than this, but such a state would take seconds to read.
 */
export const largestSnapshot = 64 * 1024 * 1024

/** Milliseconds after which the draft of a process that was killed while writing is removed. */
const abandonedAfter = 60_000

/**
 * Rejects with SnapshotRefused unless it is a regular file, not a link (which may lead anywhere) or a pipe (which may never
 * end), that only this user or root can have written: its contents decide where clients connect.
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
  // Without O_NONBLOCK, opening a pipe waits for its writer.
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
 * Replaces `file` by a new one once `write` has filled it: a reader sees either the old or the new one, even after a loss of
 * power. Rejects with the first error; the old file then remains.
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

/** Makes the rename durable. Some file systems cannot do that, and do not need it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    // The file is in place already.
  }
}

/** Removes drafts of processes that ended while writing. */
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
    // A folder that cannot be listed cannot be written either, which is reported elsewhere.
  }
}
