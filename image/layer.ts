/** Layers: tar archives that come out the same, octet for octet, whenever the same files go in. */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { gzip as gzipWithCallback } from 'node:zlib'
import { packTar } from 'modern-tar'
import { type ImageFile, modeOf } from './files.ts'

const gzip = promisify(gzipWithCallback)

export interface Layer {
  /** The compressed archive. */
  readonly blob: Uint8Array
  /** The digest of the archive before compression, which the image's configuration lists. */
  readonly diffId: string
  /** What `docker history` shows of it. */
  readonly title: string
}

/**
 * One time for all files. The time of the release would change every layer with every release, also those that nobody
 * has touched, and nodes would fetch the runtime again.
 */
const modified = new Date(0)

/** Slower levels save less than 1 % of the runtime. */
const gzipLevel = 6

/**
 * Compressed with gzip, which every registry, runtime and scanner reads. zstd would save a fifth, and leave out Docker before
 * version 23 and what embeds its libraries.
 */
export async function packLayer(title: string, files: readonly ImageFile[]): Promise<Layer> {
  const archive = await packTar(
    withFolders(files).map((file) => ({
      header: {
        name: file.type === 'directory' ? `${file.path}/` : file.path,
        type: file.type,
        mode: modeOf(file),
        uid: 0,
        gid: 0,
        mtime: modified,
        size: file.type === 'file' ? file.content.length : 0,
        ...(file.type === 'symlink' && { linkname: file.target }),
        ...(file.type === 'file' &&
          file.capability !== undefined && { pax: { 'SCHILY.xattr.security.capability': file.capability } }),
      },
      ...(file.type === 'file' && { body: file.content }),
    })),
  )
  const blob = await gzip(archive, { level: gzipLevel })
  // The system that compressed (RFC 1952 §2.3.1): Unix, wherever the image is built.
  blob[9] = 3
  return { blob, diffId: digestOf(archive), title }
}

export function digestOf(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** Sorted, with the folders that the files lie in: some runtimes create missing ones with another mode. */
function withFolders(files: readonly ImageFile[]): ImageFile[] {
  const all = new Map<string, ImageFile>()
  for (const file of files) {
    for (let folder = dirname(file.path); folder !== '.'; folder = dirname(folder)) {
      all.set(folder, { path: folder, type: 'directory' })
    }
  }
  for (const file of files) {
    if (all.has(file.path) && file.type !== 'directory') throw new Error(`two files of the image are ${file.path}`)
    all.set(file.path, file)
  }
  return [...all.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
}
