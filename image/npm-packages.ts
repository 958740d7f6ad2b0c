/** Packages of the lockfile, for any platform: what npm would install there. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { unpackTar } from 'modern-tar'
import type { ImageFile } from './files.ts'

export interface LockedPackage {
  readonly name: string
  readonly version: string
  /** Subresource integrity: `sha512-` and base64. */
  readonly integrity: string
  readonly license?: string
}

/** What package-lock.json of a folder pins, once for each place that it is installed in. */
export function lockedPackages(root: string): LockedPackage[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries<Omit<LockedPackage, 'name'>>(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, { version, integrity, license }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return { name, version, integrity, ...(license !== undefined && { license }) }
    })
}

/** The files of a package that `wanted` takes, below `node_modules/NAME`. Fetched once, then kept in `cache`. */
export async function packageFiles(
  { name, version, integrity }: LockedPackage,
  cache: string,
  wanted: (path: string) => boolean,
): Promise<ImageFile[]> {
  const file = join(cache, `${name.replaceAll(/[@/]/g, '-')}-${version}.tgz`)
  if (!existsSync(file)) fetchPackage(`${name}@${version}`, cache, file)
  const archive = readFileSync(file)
  const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`
  if (found !== integrity) {
    rmSync(file)
    throw new Error(`${name}@${version} is not what package-lock.json pins: its hash is ${found}, not ${integrity}`)
  }
  const entries = await unpackTar(gunzipSync(archive), { strip: 1, filter: (header) => header.type === 'file' })
  return entries
    .filter(({ header }) => wanted(header.name))
    .map(({ header, data }) => ({
      path: `node_modules/${name}/${header.name}`,
      type: 'file',
      content: data!,
      executable: (header.mode! & 0o100) !== 0,
    }))
}

function fetchPackage(spec: string, cache: string, file: string): void {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'fetch-'))
  try {
    const packed = execFileSync('npm', ['pack', '--json', '--prefer-offline', '--pack-destination', folder, spec], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    renameSync(join(folder, packedFile(packed)), file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** npm 12 keys its list by package. */
function packedFile(json: string): string {
  const [{ filename }] = Object.values<{ filename: string }>(JSON.parse(json))
  return filename
}
