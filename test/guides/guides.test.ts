/** What holds for everything in docs/ and the README: nobody is sent to a page that is not there, and no guide goes untried. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { blocksIn, everyPage, read, root } from './pages.ts'

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

/** What a reader may type or apply; Corefiles are those of `test/rules/readme.test.ts`, on whichever page. */
const typedLanguages = new Set(['sh', 'console', 'yaml'])

/** The test that runs the blocks of a page that is no guide, in whole or in part, or why none does. */
const runBy: Readonly<Record<string, { readonly test: string } | { readonly reason: string }>> = {
  'README.md': { test: 'test/guides/readme.test.ts' },
  'CONTRIBUTING.md': { reason: 'it runs the tests' },
  'docs/cli.md': { test: 'test/guides/cli.test.ts' },
  'docs/console.md': { test: 'test/manifests/cluster.test.ts' },
  'docs/deploying.md': { test: 'test/manifests/cluster.test.ts' },
  'docs/faq.md': { test: 'test/manifests/cluster.test.ts' },
  'docs/image.md': {
    reason: 'registries and container engines; the image itself is that of test/package/image.test.ts',
  },
  'docs/migrating.md': { test: 'test/manifests/cluster.test.ts' },
  'docs/monitoring.md': {
    reason: 'PodMonitor and PrometheusRule need an operator; test/manifests/monitoring.test.ts has the objects',
  },
  'docs/reliability.md': { test: 'test/manifests/cluster.test.ts' },
  'docs/resolvers.md': { reason: 'it runs the tests' },
  'docs/tuning.md': { test: 'test/manifests/cluster.test.ts' },
}

describe('blocks that a reader may type', () => {
  // A plugin's page has examples of clients; its Corefiles are what it is about.
  const isGuide = (page: string) => guides.some((name) => page === `docs/${name}.md`)
  for (const page of everyPage.filter((each) => !isGuide(each) && !each.startsWith('src/plugins/'))) {
    const typed = blocksIn(read(page)).filter(({ language }) => typedLanguages.has(language))
    test(`the blocks of ${page} are run by a test, or there is a reason`, () => {
      const by = runBy[page]
      assert.equal(by !== undefined, typed.length > 0, typed.map(({ text }) => text).join('\n'))
      if (by && 'test' in by) assert.match(read(by.test), new RegExp(`\\b${basename(page, '.md')}\\b`))
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
