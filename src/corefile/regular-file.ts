import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'

/**
 * The file's content. Only regular files are read, because opening or reading a pipe or a device can block the process
 * for ever; /dev/null is empty. The file is opened without blocking, because the path may lead to another file after a
 * check.
 */
export function readRegularFile(path: string): Buffer {
  if (path === devNull) return Buffer.alloc(0)
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(descriptor)
    if (stats.isDirectory()) throw new Error(`read ${path}: is a directory`)
    if (!stats.isFile()) throw new Error(`read ${path}: is not a regular file`)
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
