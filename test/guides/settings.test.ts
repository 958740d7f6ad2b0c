/** Settings that the pages for operators name between backquotes: a Corefile that has them as they stand can be served. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkText, findingText } from '../../src/cli/findings.ts'
import { plugins } from '../../src/plugins/index.ts'
import { read } from './pages.ts'

/** Options, by the directive that has them. */
const options: Readonly<Record<string, readonly string[]>> = {
  'cache 30': ['disable', 'keepttl', 'prefetch', 'serve_stale', 'servfail', 'success', 'denial'],
  'forward . 192.0.2.1': ['max_concurrent', 'policy', 'read_timeout', 'force_tcp', 'health_check'],
  'kubernetes cluster.local': ['adaptive_ttl', 'pods', 'snapshot', 'terminating', 'ttl', 'ttl_headless', 'verify'],
  log: ['class'],
}
const directives = new Set(plugins.map(({ name }) => name))

/** A Corefile with the setting; undefined where it is something else, or a synopsis. */
function corefileWith(setting: string): string | undefined {
  if (/[[|…]/.test(setting)) return undefined
  const written = setting.replaceAll(/ N\b/g, ' 2')
  const [word] = written.split(' ') as [string]
  if (directives.has(word)) return `.:1053 {\n${written}\n}\n`
  const directive = Object.entries(options).find(([, words]) => words.includes(word))?.[0]
  return directive && `.:1053 {\n${directive} {\n${written}\n}\n}\n`
}

const settingsIn = (text: string): string[] => [
  ...new Set([...text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/`([a-z_]+ [^`\n]+)`/g)].map(([, code]) => code!)),
]

for (const page of ['faq', 'migrating', 'reliability', 'tuning']) {
  const found = settingsIn(read(`docs/${page}.md`)).flatMap((setting) => {
    const corefile = corefileWith(setting)
    return corefile === undefined ? [] : [{ setting, corefile }]
  })
  describe(`settings that docs/${page}.md names`, () => {
    for (const { setting, corefile } of found)
      it(`\`${setting}\` of docs/${page}.md can be served`, () =>
        assert.deepEqual(checkText(corefile, 'Corefile', plugins, { dnsPort: 53 }).findings.map(findingText), []))
  })
}

describe('the rule for settings that a page names', () => {
  it('the rule finds directives and options, and what is wrong with them', () => {
    const text = 'Say `cache 30`, `prefetch 10 1m 10%` or `multisocket N`; `kubectl get pods` is a command.'
    assert.deepEqual(
      settingsIn(text).filter((each) => corefileWith(each) !== undefined),
      ['cache 30', 'prefetch 10 1m 10%', 'multisocket N'],
    )
    const wrong = corefileWith('log . { class denial error }')!
    assert.match(
      checkText(wrong, 'Corefile', plugins, { dnsPort: 53 }).findings.map(findingText).join(),
      /needs a line of its own/,
    )
  })
})
