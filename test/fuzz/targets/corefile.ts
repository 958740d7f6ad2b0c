/** Corefiles: a text is read, or is refused at a place that is in it; `check` finds what the server would refuse. */
import assert from 'node:assert/strict'
import { checkText, findingText } from '../../../src/cli/findings.ts'
import { configHash } from '../../../src/corefile/load.ts'
import type { CorefileBlock, ParsedCorefile } from '../../../src/corefile/parsed.ts'
import { parseCorefile, type Sources } from '../../../src/corefile/parser.ts'
import { ConfigError, type Directive, type Position, type Token } from '../../../src/corefile/schema.ts'
import { plugins } from '../../../src/plugins/index.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Imported files are in memory. */
const files: Readonly<Record<string, string>> = {
  'a.conf': 'log\nerrors\n',
  'b.conf': 'import a.conf\ncache 5\n',
  'c.conf': '(s) {\n whoami\n}\n',
}
const sources: Sources = {
  readFile(path) {
    const name = path.split('/').at(-1)!
    if (!Object.hasOwn(files, name)) throw new Error('no such file')
    return files[name]
  },
  glob: (pattern) =>
    pattern.includes('*') ? Object.keys(files) : Object.keys(files).filter((name) => pattern.endsWith(name)),
  env: (name) => (name === 'X' ? 'example.org' : name === 'Y' ? 'a b\n{' : undefined),
}

const seeds = [
  '.:53 {\n errors\n health {\n  lameduck 5s\n }\n ready\n kubernetes cluster.local in-addr.arpa ip6.arpa {\n  pods insecure\n  fallthrough in-addr.arpa ip6.arpa\n  ttl 30\n }\n prometheus :9153\n forward . /etc/resolv.conf {\n  max_concurrent 1000\n }\n cache 30\n loop\n reload\n loadbalance\n}\n',
  '(snip) {\n log\n errors\n}\nexample.org:1053, tls://{$X}:853 {\n import snip\n bind 127.0.0.1 lo\n acl {\n  allow net 10.0.0.0/8\n  block type A net *\n }\n rewrite stop {\n  name regex (.*)\\.a\\. {1}.b.\n  answer auto\n }\n}\n',
  'a. b.:54 {\n template IN A a. {\n  match "^(?P<n>[a-z]+)\\.a\\.$"\n  answer "{{ .Name }} 60 IN A 192.0.2.1"\n  fallthrough\n }\n hosts {\n  192.0.2.1 h.a.\n  ttl 60\n }\n view v {\n  expr incidr(client_ip(), \'10.0.0.0/8\')\n }\n dns64 64:ff9b::/96\n}\n',
  '10.0.0.0/24 2001:db8::/64 {\n file db.x x. {\n  reload 5s\n }\n transfer {\n  to * 192.0.2.1:53\n }\n header {\n  response set ra aa\n }\n log . "{remote} {type}" {\n  class denial error\n }\n import *.conf\n # comment\n minimal\n any\n}\n',
  '.  {\n forward . tls://9.9.9.9 1.1.1.1:53 {\n  tls_servername dns.quad9.net\n  health_check 5s domain a.\n  policy sequential\n  except b. c.\n  expire 10s\n }\n cache {\n  success 9984 30 5\n  denial 9984 30\n  prefetch 10 1m 10%\n  serve_stale 1h immediate\n }\n tsig {\n  secret k. AAAA\n  require all\n }\n etcd skydns.local {\n  endpoint http://localhost:2379\n }\n k8s_external e.\n autopath @kubernetes\n dnstap tcp://127.0.0.1:6000 full\n}\n',
  'whoami\n',
]

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    ...plugins.map(({ name }) => `${name} `),
    '{\n',
    '}\n',
    '\n',
    ' {',
    ' }',
    '"',
    '\\"',
    '#',
    ',',
    '(s) {',
    'import s',
    'import *.conf',
    'import b.conf',
    '{$X}',
    '{%Y%}',
    '{$Y}',
    '.:53',
    'tls://',
    'https://.',
    '10.0.0.0/9',
    '::/0',
    '0s',
    '1h',
    '-5s',
    '1e3',
    '99999999999',
    'fallthrough',
    'example.org',
    '*.a',
    '\\.',
    '\u0085',
    '\ufeff',
    '\r\n',
  ],
  maxOctets: 3000,
  maxSteps: (octets) => 4_000_000 + 8_000 * octets,
  check(input) {
    const text = decoder.decode(input)
    const lines = text.split('\n')
    let parsed: ParsedCorefile
    try {
      parsed = parseCorefile(text, 'Corefile', sources)
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error))
      checkPlace(error.at, lines)
      assert.ok(error.message.length < 2 * text.length + 1_000, `an error of ${error.message.length} characters`)
      return
    }
    for (const { at, message } of parsed.warnings) {
      checkPlace(at, lines)
      assert.ok(message.length > 0)
    }
    for (const block of parsed.blocks) checkPlace(block.at, lines)
    if (parsed.blocks.every(isPlain)) checkWritten(parsed)
    // Files on the disk are not read: `check` looks for them.
    if (!text.includes('import')) checkFindings(text, lines)
  },
}

function checkPlace(at: Position | undefined, lines: readonly string[]): void {
  if (at === undefined || at.file !== 'Corefile') {
    if (at !== undefined) assert.ok(Object.hasOwn(files, at.file.split('/').at(-1)!), at.file)
    return
  }
  assert.ok(at.line >= 1 && at.line <= lines.length, `line ${at.line} of ${lines.length}`)
  assert.ok(at.column >= 1, `column ${at.column}`)
}

/** Keys and words that need no quotes are the same when they are written again. */
function checkWritten({ blocks }: ParsedCorefile): void {
  const text = blocks.map(written).join('\n')
  const again = parseCorefile(text, 'Corefile', sources)
  assert.deepEqual(again.blocks.map(textsOf), blocks.map(textsOf))
  const commented = `# first${text.replaceAll('\n', ' # comment\n   ')}`
  if (blocks.length > 0)
    assert.equal(
      configHash(parseCorefile(`\n${text}`, 'Corefile', sources).blocks),
      configHash(parseCorefile(commented.replace('# first', '# first\n'), 'Corefile', sources).blocks),
    )
}

const written = ({ keys, directives }: CorefileBlock): string =>
  `${keys.map(({ text }) => text).join(' ')} {\n${directives.map(writtenDirective).join('')}}\n`

function writtenDirective({ word, args, body }: Directive): string {
  const line = (first: string, rest: readonly Token[]) => [first, ...rest.map(({ text }) => text)].join(' ')
  const lines = body?.map((each) => `${line(each.word.text, each.args)}\n`).join('')
  return `${line(word, args)}${lines === undefined ? '' : ` {\n${lines}}`}\n`
}

const textsOf = ({ keys, directives }: CorefileBlock) => ({
  keys: keys.map(({ text }) => text),
  directives: directives.map(({ word, args, body }) => [
    word,
    args.map(({ text }) => text),
    body?.map((line) => [line.word.text, ...line.args.map(({ text }) => text)]),
  ]),
})

function isPlain({ keys, directives }: CorefileBlock): boolean {
  const plain = ({ text }: Token) => /^[a-z0-9.:/*_-]+$/i.test(text) && text !== 'import'
  return (
    keys.every(plain) &&
    directives.every(
      ({ word, args, body, spill }) =>
        spill === undefined &&
        plain({ text: word } as Token) &&
        args.every(plain) &&
        (body ?? []).every((line) => plain(line.word) && line.args.every(plain)),
    )
  )
}

function checkFindings(text: string, lines: readonly string[]): void {
  const { findings } = checkText(text, 'Corefile', plugins, { dnsPort: 53 })
  for (const finding of findings) {
    checkPlace(finding.at, lines)
    assert.ok(finding.message.trim().length > 0)
    assert.ok(findingText(finding).length < 2 * text.length + 2_000, findingText(finding).slice(0, 200))
  }
}
