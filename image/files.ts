/** Files as an image's layer holds them, and as they lie on a disk. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Paths have no leading slash. All of an image's files belong to root: nobody in the container may change them. */
export type ImageFile =
  | { readonly path: string; readonly type: 'directory' }
  | { readonly path: string; readonly type: 'symlink'; readonly target: string }
  | {
      readonly path: string
      readonly type: 'file'
      readonly content: Uint8Array
      readonly executable?: boolean
      /** The value of the extended attribute security.capability (capabilities(7)). */
      readonly capability?: string
    }

/** Every file below a folder that `wanted` takes, as `path` of the image. */
export function readFolder(folder: string, path: string, wanted: (path: string) => boolean = () => true): ImageFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry): ImageFile[] => {
    const file = join(entry.parentPath, entry.name)
    const below = relative(folder, file)
    if (entry.isDirectory() || !wanted(below)) return []
    const target = join(path, below)
    if (entry.isSymbolicLink()) return [{ path: target, type: 'symlink', target: readlinkSync(file) }]
    const executable = (statSync(file).mode & 0o100) !== 0
    return [{ path: target, type: 'file', content: readFileSync(file), executable }]
  })
}

export function textFile(path: string, text: string): ImageFile {
  return { path, type: 'file', content: Buffer.from(text) }
}

/** Lays files out below a folder. Extended attributes are left to the caller: Node.js cannot write them. */
export function writeFiles(folder: string, files: readonly ImageFile[]): void {
  for (const file of files) {
    const path = join(folder, file.path)
    mkdirSync(file.type === 'directory' ? path : dirname(path), { recursive: true, mode: 0o755 })
    if (file.type === 'symlink') symlinkSync(file.target, path)
    if (file.type === 'file') {
      writeFileSync(path, file.content)
      // Whatever the umask is: the container runs as another user.
      chmodSync(path, modeOf(file))
    }
  }
}

export function modeOf(file: ImageFile): number {
  if (file.type === 'symlink') return 0o777
  return file.type === 'directory' || file.executable ? 0o755 : 0o644
}
