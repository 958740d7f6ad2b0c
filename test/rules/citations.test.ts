/**
 * Every section that a source, a test or a bench cites can be read: one of a page in this repository is a heading there,
 * and one of a document elsewhere names the document in a form that finds it.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { contentOf, filesIn, root } from './sources.ts'

/** Documents elsewhere, as they are cited before a section's number. */
const elsewhere: readonly RegExp[] = [
  /RFC \d{3,5}$/,
  /k8s-dns 1\.1\.0$/,
  /kubernetes\/dns docs\/specification\.md$/,
  /KEP-\d+$/,
  /gRFC [A-Z]\d+$/,
]

/** Sections before this one that share its document: `RFC 5452 §4.5, §9.2` and `§4.2 and §4.3`. */
const sameDocument = /(?:§[\d.]*\d(?:,| and| or|;|–) ?)+$/

interface Citation {
  readonly section: string
  /** The text before it, up to the document. */
  readonly before: string
}

/** A citation may go over the end of a comment's line. */
function citationsIn(text: string): Citation[] {
  const flat = text.replace(/\n[ \t]*(?:\*|\/\/|#)?[ \t]*/g, ' ')
  return [...flat.matchAll(/§( ?(?:\d+\.)*\d+)/g)].map(({ 1: section, index }) => ({
    section,
    before: flat
      .slice(Math.max(0, index - 80), index)
      .replace(sameDocument, '')
      .trimEnd(),
  }))
}

/** The numbers of a page's headings. */
function sectionsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^#{1,6} (\d+(?:\.\d+)*)\.? /gm)].map(([, number]) => number))
}

/** The numbered headings of a page, or undefined where there is no such page. */
type Sections = (page: string) => ReadonlySet<string> | undefined

const known = new Map<string, ReadonlySet<string>>()
const inRepository: Sections = (page) => {
  if (!known.has(page) && existsSync(join(root, page))) known.set(page, sectionsOf(contentOf(page)))
  return known.get(page)
}

function faultsIn(text: string, sectionsAt: Sections): string[] {
  return citationsIn(text).flatMap(({ section, before }) => {
    if (section.startsWith(' ')) return [`'§${section}' must be written without a blank`]
    if (elsewhere.some((form) => form.test(before))) return []
    const page = /(?:^|[\s('"`])([\w./-]+\.md)$/.exec(before)?.[1]
    if (page === undefined) return [`'${before.slice(-20)} §${section}' names no document`]
    const sections = sectionsAt(page)
    if (!sections) return [`there is no ${page}`]
    return sections.has(section) ? [] : [`${page} has no section ${section}`]
  })
}

describe('citations', () => {
  const paths = filesIn('{src,test,bench}/**/*.{ts,js,md}').filter((path) => !path.endsWith('citations.test.ts'))

  it('citations lead to a section that exists', () => {
    assert.ok(paths.some((path) => citationsIn(contentOf(path)).length > 0))
    const faults = paths.flatMap((path) => faultsIn(contentOf(path), inRepository).map((fault) => `${path}: ${fault}`))
    assert.deepEqual(faults, [])
  })

  const pages: Record<string, string> = { 'docs/a.md': '# A\n\n## 1 One\n\n### 1.2 Two\n' }
  const sectionsAt: Sections = (page) => (page in pages ? sectionsOf(pages[page]) : undefined)
  const examples: readonly (readonly [string, string[]])[] = [
    ['RFC 1035 §4.1.4', []],
    ['RFC 5452 §4.5, §9.2', []],
    ["characters such as '§' are no citation", []],
    ['RFC\n * 5452 §4.5', []],
    ['docs/a.md §1.2', []],
    ['(docs/a.md\n   * §1.2)', []],
    ['docs/a.md §1 and §1.2', []],
    ['docs/a.md §1 and §3', ['docs/a.md has no section 3']],
    ['docs/a.md §2', ['docs/a.md has no section 2']],
    ['docs/b.md §1', ['there is no docs/b.md']],
    ['as §4.3 says', ["'as §4.3' names no document"]],
    ['DESIGN §3', ["'DESIGN §3' names no document"]],
    ['RFC §3', ["'RFC §3' names no document"]],
    ['RFC 1035 § 3', ["'§ 3' must be written without a blank"]],
  ]
  for (const [text, faults] of examples)
    it(`${faults.length > 0 ? 'refuses' : 'allows'} ${JSON.stringify(text)}`, () =>
      assert.deepEqual(faultsIn(text, sectionsAt), faults))
})
