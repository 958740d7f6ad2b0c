/** The pages that a reader may come to, and the blocks and commands in them. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

export const everyPage: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'examples/README.md', 'src/table/FORMAT.md'],
  ...globSync(['docs/*.md', 'src/plugins/*/README.md'], { cwd: root }).sort(),
]

export interface Block {
  /** What stands behind the fence; '': nothing. */
  readonly language: string
  /** Without the indentation of the list that it stands in. */
  readonly text: string
}

export function blocksIn(text: string): Block[] {
  return [...text.matchAll(/^( *)```(\S*)\n(.*?)^ *```$/gms)].map(([, indentation, language, body]) => ({
    language: language!,
    text: body!.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
  }))
}

/** A command goes on for as long as its lines end with a backslash. Other lines are what it prints. */
export function commandsOf(block: string): string[] {
  return block
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2))
}

/** What a page gives to a shell: its blocks of `sh`, and the lines of `console` that begin with `$ `. */
export function scriptsIn(text: string): string[] {
  return blocksIn(text).flatMap(({ language, text: block }) =>
    language === 'sh' ? [block] : language === 'console' ? [commandsOf(block).join('\n')] : [],
  )
}
