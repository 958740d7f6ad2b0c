/** The files of the page: read once, from beside the sources or, where they are bundled, from beside the bundle. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface PageFile {
  readonly path: string
  readonly contentType: string
  readonly octets: Uint8Array
}

/** Files of other types are not part of the page. */
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** build.ts bundles the folder `page` into `dist/console`. */
const folder = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'page' : 'console')

export function readPage(): readonly PageFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const contentType = contentTypes[extname(name)]
    if (contentType === undefined) return []
    return [{ path: name === 'index.html' ? '/' : `/${name}`, contentType, octets: readFileSync(join(folder, name)) }]
  })
}
