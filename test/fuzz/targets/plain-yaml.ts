/** kubeconfig files that are read without the YAML parser mean what they mean to it. */
import assert from 'node:assert/strict'
import { parse } from 'yaml'
import { parsePlainYaml } from '../../../src/k8s/api/plain-yaml.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const seeds = [
  'apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://127.0.0.1:6443\n    insecure-skip-tls-verify: true\n  name: a\ncontexts:\n- context:\n    cluster: a\n    user: u\n  name: x\ncurrent-context: x\nusers:\n- name: u\n  user:\n    token: "abc def"\npreferences: {}\n',
  "---\n# comment\na:\n  - b: c\n    d: 'e'\n  - f: []\nx: y\n",
]

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    '- ',
    '  ',
    '\n',
    ': ',
    ':',
    'true',
    'null',
    '~',
    'yes',
    '0x1',
    '1e3',
    '"',
    "'",
    '{}',
    '[]',
    '# ',
    '---\n',
    '...\n',
    '|\n',
    '&a ',
    '*a',
    '!!str ',
    '<<: ',
    '__proto__: x\n',
    '\t',
    '\r\n',
    '%',
    '@',
    '`',
    '? ',
  ],
  maxOctets: 1000,
  maxSteps: (octets) => 1_000 + 200 * octets,
  check(input) {
    const text = decoder.decode(input)
    const read = parsePlainYaml(text)
    if (read === undefined) return
    // What the YAML parser refuses must not be read.
    assert.deepEqual(plain(read), plain(parse(text, { uniqueKeys: false }) ?? {}))
  },
}

/** Without prototypes, which differ. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}
