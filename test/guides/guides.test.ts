/** What holds for everything in docs/ and the README: nobody is sent to a page that is not there, and no guide goes untried. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))
const readme = read('README.md')
/** What the README calls a guide. */
const section = /^## Guides$(.*?)^## /ms.exec(readme)![1]!
const guides = [...section.matchAll(/\]\(docs\/([\w-]+)\.md\)/g)].map(([, name]) => name!)

describe('docs/', () => {
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

describe('links between pages lead somewhere', () => {
  for (const page of ['README.md', ...pages.map((file) => `docs/${file}`)]) {
    test(page, () => {
      const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!)
      const missing = links.filter((target) => !existsSync(join(root, dirname(page), target)))
      assert.deepEqual(missing, [])
    })
  }
})
