/** kubeconfig files that are read without @kubernetes/client-node mean what they mean to it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { kubeconfig } from '../../../src/k8s/api/kubeconfig.ts'
import { plainKubeconfig } from '../../../src/k8s/api/plain-kubeconfig.ts'
import { parsePlainYaml } from '../../../src/k8s/api/plain-yaml.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-kubeconfig-'))
after(() => rmSync(folder, { recursive: true }))
for (const name of ['ca.crt', 'client.crt', 'client.key']) writeFileSync(join(folder, name), `the text of ${name}`)
writeFileSync(join(folder, 'token'), 'of-a-file\n')

const data = Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64')

interface Case {
  readonly name: string
  readonly cluster?: object
  readonly user?: object | null
  /** Beside `clusters`, `users` and `contexts`. */
  readonly besides?: object
  readonly context?: string
}

const plain: readonly Case[] = [
  { name: 'a token', user: { token: 'abc.def' } },
  { name: 'a token file beside it', user: { 'token-file': 'token' } },
  { name: 'a token file in the spelling of Kubernetes', user: { tokenFile: 'token' } },
  { name: 'a token and a token file', user: { token: 'abc', 'token-file': join(folder, 'token') } },
  { name: 'a client certificate in files', user: { 'client-certificate': 'client.crt', 'client-key': 'client.key' } },
  { name: 'a client certificate in data', user: { 'client-certificate-data': data, 'client-key-data': data } },
  { name: 'a password', user: { username: 'admin', password: 'secret' } },
  { name: 'a password and a token', user: { username: 'admin', password: 'secret', token: 'abc' } },
  { name: 'an empty user', user: {} },
  { name: 'the CA in data', cluster: { 'certificate-authority-data': data } },
  {
    name: 'the CA in a file and in data',
    cluster: { 'certificate-authority': 'ca.crt', 'certificate-authority-data': data },
  },
  { name: 'a server that is not verified', cluster: { 'insecure-skip-tls-verify': true } },
  { name: 'a server that is verified', cluster: { 'insecure-skip-tls-verify': false } },
  {
    name: 'a server name and a proxy',
    cluster: { 'tls-server-name': 'api.example', 'proxy-url': 'http://proxy:3128' },
  },
  { name: 'plain HTTP and a path', cluster: { server: 'http://api:8080/below/' } },
  { name: 'a context that is not the current one', context: 'other' },
  {
    name: 'preferences and extensions',
    besides: { preferences: {}, extensions: [{ name: 'x', extension: { a: 'b' } }] },
  },
]

/** The first three need to be run or read with more care; the others are wrong, and their message is to be the same. */
const general: readonly Case[] = [
  { name: 'an exec plugin', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'true' } } },
  { name: 'impersonation', user: { as: 'somebody', token: 'abc' } },
  { name: 'a number as a token', user: { token: 12345 } },
  { name: 'no such user', user: null },
  { name: 'no such context', context: 'missing' },
  { name: 'a server that is no URL', cluster: { server: 'api.example' } },
  { name: 'a cluster without a server', cluster: { server: '' } },
]

function documentOf({ cluster = {}, user = { token: 'abc' }, besides = {} }: Case): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ cluster: { server: 'https://127.0.0.1:6443', ...cluster }, name: 'here' }],
    contexts: ['current', 'other'].map((name) => ({ context: { cluster: 'here', user: 'me' }, name })),
    'current-context': 'current',
    users: user === null ? [] : [{ name: 'me', user }],
    ...besides,
  }
}

describe('kubeconfig files', () => {
  for (const [written, textOf] of [
    ['YAML', stringify],
    ['JSON', JSON.stringify],
  ] as const) {
    for (const each of plain) {
      it(`a file with ${each.name}, in ${written}, is read without the package and means the same`, async () => {
        const { seen, asked } = await compare(each, textOf(documentOf(each)))
        assert.equal(asked, 0, 'the package was asked for')
        assert.deepEqual(seen[0], seen[1])
      })
    }
    for (const each of general) {
      it(`a file with ${each.name}, in ${written}, is left to the package`, async () => {
        const { seen, asked } = await compare(each, textOf(documentOf(each)))
        assert.equal(asked, 1)
        assert.deepEqual(seen[0], seen[1])
      })
    }
  }

  it('a CA file that is not there is reported in the words of the package', async () => {
    const each: Case = { name: '', cluster: { 'certificate-authority': 'missing.crt' } }
    const { seen } = await compare(each, stringify(documentOf(each)))
    assert.match(String(seen[0]!.target), /cannot get credentials: .*missing\.crt: no such file or directory/)
    assert.equal(seen[0]!.target, seen[1]!.target)
  })

  it('the package reads a file only while the file needs it', async () => {
    const file = join(folder, 'changing')
    let asked = 0
    const credentials = plainKubeconfig(file, '', {}, async () => {
      asked++
      return kubeconfig(file, '', {})
    })
    const tokens: unknown[] = []
    for (const user of [{ token: 'first' }, { as: 'x', token: 'second' }, { token: 'the-third' }]) {
      writeFileSync(file, stringify(documentOf({ name: '', user })))
      tokens.push((await credentials.headers()).authorization)
    }
    assert.deepEqual(tokens, ['Bearer first', 'Bearer second', 'Bearer the-third'])
    assert.equal(asked, 1)
  })
})

async function compare({ context = '' }: Case, text: string) {
  const file = join(folder, 'config')
  writeFileSync(file, text)
  const all = kubeconfig(file, context, {})
  let asked = 0
  const own = plainKubeconfig(file, context, {}, async () => {
    asked++
    return all
  })
  const seen = []
  for (const credentials of [own, all]) {
    const [target, headers] = [await settled(credentials.target()), await settled(credentials.headers())]
    seen.push({ target, headers, name: credentials.name, identity: credentials.identity })
  }
  return { seen, asked }
}

async function settled(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: Error) => error.message)
}

describe('YAML of the plain kind', () => {
  const scalar = fc.oneof(
    fc.constantFrom(
      '',
      'true',
      'null',
      '~',
      '1e3',
      '0x1f',
      'a: b',
      'a #b',
      '- a',
      '{}',
      '[a]',
      '*a',
      '&a',
      '!a',
      "it's",
      'é',
      'a:',
    ),
    fc.string({ maxLength: 8 }),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
  )
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, tie('mapping'), fc.array(tie('mapping'), { maxLength: 3 })),
    mapping: fc.dictionary(
      fc.oneof(fc.constantFrom('a', 'b-c', 'current-context', '__proto__'), fc.string({ maxLength: 4 })),
      tie('value'),
      {
        maxKeys: 4,
      },
    ),
  })).mapping

  it('a document reads as the YAML parser reads it, or not at all', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 2), (document, indent) => {
        same(stringify(document, { indentSeq: indent > 0 }))
      }),
      { numRuns: 2000 },
    )
  })

  it('a document that is cut, indented or changed reads as the YAML parser reads it, or not at all', () => {
    const text = stringify(documentOf(plain[0]), { indentSeq: false })
    const edit = fc.record({
      at: fc.nat(text.length),
      cut: fc.nat(4),
      put: fc.constantFrom(
        '',
        ' ',
        '  ',
        '\n',
        '- ',
        ':',
        ': ',
        '#',
        ' #',
        '"',
        "'",
        '\t',
        '\r\n',
        '---\n',
        'x',
        '|',
        '{}',
      ),
    })
    fc.assert(
      fc.property(edit, ({ at, cut, put }) => {
        same(text.slice(0, at) + put + text.slice(at + cut))
      }),
      { numRuns: 3000 },
    )
  })

  it('a key that is no text is left to the YAML parser', () => {
    for (const text of ['null: a\n', 'a:\n  Null: b\n']) assert.equal(parsePlainYaml(text), undefined, text)
  })

  function same(text: string): void {
    const read = parsePlainYaml(text)
    if (read === undefined) return
    assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(parse(text) ?? {})), text)
  }
})
