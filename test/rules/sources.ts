/** Reads the project's sources for the rules about them. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** Paths below the project's root that match, sorted. */
export function filesIn(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).sort()
}

export function contentOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export interface Import {
  /** The file that imports, and where. */
  readonly from: string
  readonly line: number
  /** A path below the project's root, or the name of a package (`node:` ones included). */
  readonly target: string
  readonly kind: 'file' | 'package'
  /** `import type`: gone at run time. */
  readonly typeOnly: boolean
}

/** Every import and re-export of a TypeScript file, `import()` included. */
export function importsOf(path: string, text = contentOf(path)): Import[] {
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/^\s*\/\/.*$/gm, '')
  const statement =
    /\b(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?'([^']+)'|\bimport\s*\(\s*'([^']+)'\s*\)/g
  return [...code.matchAll(statement)].map((match): Import => {
    const target = match[2] ?? match[3]
    const place = { from: path, line: code.slice(0, match.index).split('\n').length, typeOnly: match[1] !== undefined }
    if (!target.startsWith('.')) return { ...place, target: packageName(target), kind: 'package' }
    return { ...place, target: normalize(join(dirname(path), target)), kind: 'file' }
  })
}

function packageName(target: string): string {
  return target.startsWith('@') ? target.split('/', 2).join('/') : target.split('/', 1)[0]
}
