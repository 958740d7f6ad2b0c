/** The README's table of annotations is derived from the list of features, and each key is named in its folder only. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { AnnotationFeature } from '../../src/cluster-dns/annotations/feature.ts'
import { features } from '../../src/cluster-dns/features/index.ts'
import { contentOf, filesIn, root } from './sources.ts'

const prefix = 'slicedns.io'
const begin = '<!-- derived from src/cluster-dns/features/index.ts -->\n'
const end = '<!-- end -->'

/** As the README shows it: `slicedns.io/ttl: 5`. */
function cells({ annotations, documentation: { values, effect, page } }: AnnotationFeature): string {
  const keys = annotations.map((annotation, i) => {
    const key = 'group' in annotation ? `${annotation.group}.${prefix}/KEY` : `${prefix}/${annotation.key}`
    return `\`${key}: ${values[i]}\``
  })
  return `| ${keys.join(', ')} | ${effect}${page === undefined ? '' : ` ([guide](${page}))`} |`
}

const table = ['| annotation | effect |', '| --- | --- |', ...features.map(cells), ''].join('\n')

/** Code without its comments. */
const codeOf = (path: string): string => contentOf(path).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

/** Where a text names one of the keys of annotations: `slicedns.io/ttl`, `${prefix}/ttl`. */
function keysIn(text: string): string[] {
  const named = features.flatMap(({ annotations }) => annotations).flatMap((a) => ('key' in a ? [a.key] : []))
  return [...text.matchAll(new RegExp(`(?:slicedns\\.io|\\})/(${named.join('|')})(?![\\w-])`, 'g'))].map(([key]) => key)
}

describe('annotations', () => {
  it('annotations are in the table of the README as the list of features derives it', () => {
    const readme = contentOf('README.md')
    const from = readme.indexOf(begin)
    assert.ok(from >= 0, `README.md has no line ${begin}`)
    const shown = readme.slice(from + begin.length, readme.indexOf(end, from))
    assert.equal(shown, table, `README.md must have:\n${begin}${table}${end}`)
  })

  it('annotations name guides that exist', () => {
    const pages = features.flatMap(({ documentation: { page } }) => page ?? [])
    assert.deepEqual(
      pages.filter((page) => !existsSync(join(root, page))),
      [],
    )
  })

  it('annotations have one value for each key in the documentation', () => {
    for (const { annotations, documentation } of features) assert.equal(documentation.values.length, annotations.length)
  })

  it('annotations are named by their keys in no code outside of their folders', () => {
    const named = filesIn('src/**/*.ts')
      .filter((path) => !path.startsWith('src/cluster-dns/features/'))
      .flatMap((path) => keysIn(codeOf(path)).map((key) => `${path}: ${key}`))
    assert.deepEqual(named, [])
  })
})

describe('the rule about annotation keys', () => {
  it('the rule about annotation keys notices a key and a template, but no other word', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is source code to search in
    assert.deepEqual(keysIn("get('slicedns.io/ttl'); get(`${prefix}/split`); x/alias; 'slicedns.io/ttl-max'"), [
      'slicedns.io/ttl',
      '}/split',
    ])
  })
})
