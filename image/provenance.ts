/** What an image says of its origin: nothing that depends on when or where it is built. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ImageSource {
  readonly version: string
  /** As RFC 3339: SOURCE_DATE_EPOCH, else the time of the commit, else 1970. */
  readonly created: string
  /** https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md */
  readonly labels: Readonly<Record<string, string>>
}

export function imageSource(root: string, version: string): ImageSource {
  const { license, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commit = git(root, 'log', '-1', '--format=%H %ct')?.split(' ')
  const seconds = process.env.SOURCE_DATE_EPOCH ?? commit?.[1] ?? '0'
  if (!/^\d+$/.test(seconds))
    throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds, not ${JSON.stringify(seconds)}`)
  const created = new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z')
  const changed = git(root, 'status', '--porcelain') !== ''
  const labels = {
    'org.opencontainers.image.created': created,
    'org.opencontainers.image.description': description,
    'org.opencontainers.image.licenses': license,
    ...(commit && { 'org.opencontainers.image.revision': `${commit[0]}${changed ? '-dirty' : ''}` }),
    'org.opencontainers.image.title': 'slicedns',
    'org.opencontainers.image.version': version,
  }
  return { version, created, labels }
}

/** Undefined outside of a repository: an archive of the sources has no commit. */
function git(root: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
