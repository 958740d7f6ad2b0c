/** What holds for everything in docs/ and the README: nobody is sent to a page that is not there, and no guide goes untried. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { everyPage, read, root } from './pages.ts'

const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))
const readme = read('README.md')
/** What the README calls a guide. */
const section = /^## Guides$(.*?)^## /ms.exec(readme)![1]!
const guides = [...section.matchAll(/\]\(docs\/([\w-]+)\.md\)/g)].map(([, name]) => name!)

describe('pages of docs/', () => {
  for (const page of pages) {
    test(`${page} is linked from the README`, () => assert.ok(readme.includes(`](docs/${page})`)))
  }
})

describe('guides', () => {
  for (const guide of guides) {
    test(`${guide} has a test that runs all of it`, () => {
      const source = read(`test/guides/${guide}.test.ts`)
      assert.match(source, new RegExp(`readGuide\\('${guide}'\\)`))
      assert.match(source, /guide\.end\(\)/)
    })
  }
})

/** As GitHub makes them of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!.toLowerCase())
  return new Set(headings.map((heading) => heading.replace(/[^\w\s-]/g, '').replaceAll(' ', '-')))
}

/** Relative links of a page that lead to no file, or to no heading of it. */
function deadLinks(page: string): string[] {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
  return links.flatMap(([link, target = '', anchor]) => {
    const path = target === '' ? page : join(dirname(page), target)
    if (!existsSync(join(root, path))) return [link]
    return anchor === undefined || anchorsOf(read(path)).has(anchor) ? [] : [link]
  })
}

describe('links between pages', () => {
  for (const page of everyPage)
    test(`the links of ${page} lead to files and headings`, () => assert.deepEqual(deadLinks(page), []))
})

describe('source files that a page names', () => {
  for (const page of everyPage) {
    test(`the paths that ${page} names exist`, () => {
      const paths = [...read(page).matchAll(/`((?:src|test|bench|docs)\/[\w./-]+)`/g)].map(([, path]) => path!)
      const written = paths.filter((path) => !/\b[A-Z]{3,}\b/.test(path.replace(/[\w-]+\.md/g, '')))
      assert.deepEqual(
        written.filter((path) => !existsSync(join(root, path))),
        [],
      )
    })
  }
})
