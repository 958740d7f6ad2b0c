/** The files of the page: read once, from beside the sources or, where they are bundled, from beside the bundle. */
import { readFileSync } from 'node:fs'

export interface PageFile {
  readonly path: string
  readonly contentType: string
  readonly octets: Uint8Array
}

const files = [
  { path: '/', name: 'index.html', contentType: 'text/html; charset=utf-8' },
  { path: '/console.css', name: 'console.css', contentType: 'text/css; charset=utf-8' },
  { path: '/console.js', name: 'console.js', contentType: 'text/javascript; charset=utf-8' },
]

/** build.ts copies the folder `page` to `dist/console`. */
const folder = new URL(import.meta.url.endsWith('.ts') ? './page/' : './console/', import.meta.url)

export function readPage(): readonly PageFile[] {
  return files.map(({ path, name, contentType }) => ({
    path,
    contentType,
    octets: readFileSync(new URL(name, folder)),
  }))
}
