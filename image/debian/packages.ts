/**
 * Debian's packages that lock.json pins, by the SHA-256 of their files: from Debian's mirror that this machine's apt uses,
 * fetched by apt and unpacked by dpkg. Both are on Debian and Ubuntu; nothing is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { unpackTar } from 'modern-tar'
import type { ImageFile } from '../files.ts'
import type { Architecture } from '../settings.ts'

export interface DebianPackage {
  readonly name: string
  readonly version: string
  /** The source package, which Debian's security notices name. */
  readonly source: string
  readonly architecture: Architecture | 'all'
  /** Below the root of a mirror: `pool/…`. */
  readonly file: string
  readonly sha256: string
}

export interface DebianLock {
  /** The codename of the release, and its number. */
  readonly suite: string
  readonly release: string
  readonly packages: Readonly<Record<Architecture, readonly DebianPackage[]>>
}

export const lockFile = join(import.meta.dirname, 'lock.json')

export function readLock(file: string): DebianLock {
  return JSON.parse(readFileSync(file, 'utf8'))
}

export interface Unpacked {
  /** Of the whole package. */
  readonly files: readonly ImageFile[]
  /** The paragraph that dpkg keeps of an installed package. */
  readonly control: string
}

/** `mirrors`: where to look, one after the other. `cache`: a folder that may hold the file already. */
export async function unpackPackage(
  wanted: DebianPackage,
  { cache, mirrors }: { cache: string; mirrors: () => readonly string[] },
): Promise<Unpacked> {
  const file = join(cache, basename(wanted.file))
  if (!existsSync(file)) fetchFile(wanted, file, mirrors())
  const found = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (found !== wanted.sha256) {
    rmSync(file)
    throw new Error(`${basename(file)} is not what the lock pins: its SHA-256 is ${found}`)
  }
  const archive = execFileSync('dpkg-deb', ['--fsys-tarfile', file], { maxBuffer: largestPackage })
  const entries = await unpackTar(archive)
  const files = entries.flatMap(({ header, data }): ImageFile[] => {
    const path = header.name.replace(/^\.\//, '').replace(/\/$/, '')
    if (header.type === 'symlink') return [{ path, type: 'symlink', target: header.linkname! }]
    if (header.type !== 'file') return []
    return [{ path, type: 'file', content: data ?? new Uint8Array(), executable: (header.mode! & 0o100) !== 0 }]
  })
  return { files, control: execFileSync('dpkg-deb', ['--field', file], { encoding: 'utf8' }) }
}

/** libc6 has 13 MiB. */
const largestPackage = 256 * 2 ** 20

/** Debian's mirrors in this machine's apt configuration; none elsewhere. */
export function aptMirrors(): string[] {
  const printed = spawnSync('apt-get', ['indextargets', '--format', '$(ORIGIN) $(SITE)'], { encoding: 'utf8' })
  const sites = (printed.stdout ?? '').split('\n').flatMap((line) => /^Debian (\S+)$/.exec(line)?.[1] ?? [])
  return [...new Set(sites)]
}

function fetchFile(wanted: DebianPackage, file: string, mirrors: readonly string[]): void {
  mkdirSync(join(file, '..'), { recursive: true })
  const partial = `${file}.${process.pid}`
  const failures = mirrors.map((mirror) => {
    const url = `${mirror.replace(/\/$/, '')}/${wanted.file}`
    const fetched = spawnSync('/usr/lib/apt/apt-helper', ['-qq', 'download-file', url, partial], { encoding: 'utf8' })
    if (fetched.status === 0 && existsSync(partial)) {
      renameSync(partial, file)
      return undefined
    }
    rmSync(partial, { force: true })
    return `  ${reasonIn(fetched.stderr) ?? fetched.error?.message ?? 'apt-helper says nothing'} (${url})`
  })
  if (mirrors.length > 0 && failures.includes(undefined)) return
  throw missing(wanted, file, failures.length > 0 ? failures.join('\n') : noMirror)
}

const noMirror = '  no mirror of Debian is known: apt has none here, and --mirror names none'

/** Of apt's errors the one that says why. */
const reasonIn = (text: string | null): string | undefined => /^E: Failed to fetch \S+ +(.*)$/m.exec(text ?? '')?.[1]

/** Debian keeps only the newest version of a package, so that a pinned one goes away in time. */
function missing({ name, version, architecture, sha256 }: DebianPackage, file: string, failures: string): Error {
  return new Error(
    `Debian's package ${name} ${version} (${architecture}) cannot be fetched:\n${failures}\n` +
      'Debian drops a version when a newer one replaces it. Either\n' +
      '  run `npm run image -- --refresh`, which pins the versions of today, and commit image/debian/lock.json;\n' +
      '  or name a mirror that keeps old versions: `npm run image -- --mirror URL`;\n' +
      `  or put the file, with the SHA-256 ${sha256}, there: ${file}`,
  )
}
