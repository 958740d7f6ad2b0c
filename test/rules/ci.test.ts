/** .ci/run installs or builds every program without which a test would skip: there it fails instead. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentOf, filesIn } from './sources.ts'

/** What comes with a program that .ci/run installs, or with Debian and Go. */
const accompanying = ['getent', 'go', 'java', 'mount', 'nsenter', 'python3', 'resolvectl', 'setpriv']

const installed = (script: string): string[] =>
  [...script.matchAll(/(?<=[\s(])([\w.+-]+):[\w.+-]+/g)].map(([, command]) => command)

const built = (script: string): string[] => /\|\| set -- (.*)$/m.exec(script)?.[1].split(' ') ?? []

/** `without('dig', …)` and `peer('dig')`. */
const needed = (text: string): string[] =>
  [...text.matchAll(/\b(?:without|peer)\(([^)]*)\)/g)].flatMap(([, list]) =>
    [...list.matchAll(/'([\w.+-]+)'/g)].map(([, name]) => name),
  )

describe('.ci/run', () => {
  it('.ci/run has every program that a test asks for', () => {
    const there = new Set([
      ...installed(contentOf('.ci/run')),
      ...built(contentOf('test/support/peers/build.sh')),
      ...accompanying,
    ])
    const missing = filesIn('test/**/*.ts').flatMap((path) =>
      needed(contentOf(path)).flatMap((name) => (there.has(name) ? [] : [`${path} needs ${name}`])),
    )
    assert.deepEqual(missing, [])
  })

  it('the rule reads the lists of both scripts', () => {
    assert.deepEqual(installed('tools=(dig:bind9-dnsutils\n  musl-gcc:musl-tools)'), ['dig', 'musl-gcc'])
    assert.deepEqual(built('[ $# -gt 0 ] || set -- coredns etcd\n'), ['coredns', 'etcd'])
  })
})
