import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  argCount,
  custom,
  duration,
  fallthrough,
  flag,
  integer,
  list,
  noBody,
  oneOf,
  option,
  type Rows,
  readBody,
  readSettings,
  text,
  zoneList,
} from '../../src/corefile/read.ts'
import type { DirectiveSchema } from '../../src/corefile/schema.ts'
import { directive, parse, refusal } from './support.ts'

const rows = {
  ttl: option(integer({ min: 0, max: 3600 }), { default: 5, extra: 'ignore' }),
  pods: option(oneOf(['disabled', 'insecure', 'verified']), { default: 'disabled' }),
  startup_timeout: option(duration(), { default: 5000 }),
  endpoint: option(text),
  namespaces: list(text, { repeat: 'append' }),
  tls: list(text, { min: 3, max: 3 }),
  noendpoints: flag(),
  fallthrough: fallthrough(),
  multicluster: zoneList({ min: 1 }),
  labels: option(text, { repeat: 'once' }),
  policy: custom({ min: 1, max: 2 }, ({ args }, before: number | undefined) => args.length + (before ?? 0)),
} satisfies Rows

const defaults = {
  ttl: 5,
  pods: 'disabled',
  startup_timeout: 5000,
  endpoint: undefined,
  namespaces: undefined,
  tls: undefined,
  noendpoints: false,
  fallthrough: undefined,
  multicluster: undefined,
  labels: undefined,
  policy: undefined,
}

/** A body of these lines; the first stands in line 3. */
function body(...lines: readonly string[]) {
  return directive(`kubernetes cluster.local {\n${lines.join('\n')}\n}`)
}

describe('the body of a directive', () => {
  const cases: readonly {
    name: string
    lines: readonly string[]
    gives: Partial<Record<keyof typeof rows, unknown>>
  }[] = [
    { name: 'without options has the defaults', lines: [], gives: {} },
    {
      name: 'sets what it names',
      lines: ['ttl 30', 'pods verified', 'startup_timeout 1m'],
      gives: { ttl: 30, pods: 'verified', startup_timeout: 60_000 },
    },
    { name: 'may have surplus arguments where CoreDNS ignores them', lines: ['ttl 5 6 7'], gives: { ttl: 5 } },
    { name: 'takes the last of a repeated option', lines: ['ttl 1', 'ttl 2'], gives: { ttl: 2 } },
    {
      name: 'joins the lines of an option that accumulates',
      lines: ['namespaces a b', 'namespaces c'],
      gives: { namespaces: ['a', 'b', 'c'] },
    },
    { name: 'has flags', lines: ['noendpoints'], gives: { noendpoints: true } },
    { name: 'falls through for every name', lines: ['fallthrough'], gives: { fallthrough: ['.'] } },
    {
      name: 'falls through for zones',
      lines: ['fallthrough In-Addr.Arpa 10.0.0.0/8 a..b'],
      gives: { fallthrough: ['in-addr.arpa.', '10.in-addr.arpa.'] },
    },
    { name: 'hands earlier lines to rows of their own rules', lines: ['policy a b', 'policy c'], gives: { policy: 3 } },
  ]
  for (const { name, lines, gives } of cases)
    test(`the body of a directive ${name}`, () => {
      assert.deepEqual(readBody(body(...lines), rows), { ...defaults, ...gives })
    })

  const bad: readonly { name: string; line: string; says: string }[] = [
    {
      name: 'a misspelled option',
      line: 'fallthru',
      says: "3:1 - unknown property 'fallthru' of kubernetes: did you mean 'fallthrough'?",
    },
    {
      name: 'an option like no other',
      line: 'manifest_folder',
      says: `3:1 - unknown property 'manifest_folder' of kubernetes; it has ${Object.keys(rows).join(', ')}`,
    },
    {
      name: 'an option of JavaScript objects',
      line: 'constructor',
      says: `3:1 - unknown property 'constructor' of kubernetes; it has ${Object.keys(rows).join(', ')}`,
    },
    {
      name: 'the next directive, where the block is not closed',
      line: 'forward . 127.0.0.1',
      says: "3:1 - unknown property 'forward' of kubernetes: it is a directive (is a '}' missing before it? The block opens at Corefile:2:14)",
    },
    { name: 'another case', line: 'TTL 5', says: "3:1 - unknown property 'TTL' of kubernetes: did you mean 'ttl'?" },
    {
      name: 'a value out of range, at the value',
      line: 'ttl 3601',
      says: "3:5 - '3601' is not an integer from 0 to 3600, which 'ttl' requires",
    },
    {
      name: 'a missing argument, at the option',
      line: 'ttl',
      says: "3:1 - Wrong argument count or unexpected line ending after 'ttl': it takes at least 1 argument, not 0",
    },
    {
      name: 'a surplus argument, at the argument',
      line: 'pods insecure x',
      says: "3:15 - Wrong argument count or unexpected line ending after 'pods': it takes 1 argument, not 2",
    },
    {
      name: 'an argument of a flag',
      line: 'noendpoints yes',
      says: "3:13 - Wrong argument count or unexpected line ending after 'noendpoints': it takes no arguments, not 1",
    },
    {
      name: 'too few of three',
      line: 'tls cert key',
      says: "3:1 - Wrong argument count or unexpected line ending after 'tls': it takes 3 arguments, not 2",
    },
    {
      name: 'a block in the block',
      line: '{\n}',
      says: "3:1 - a block inside a block: '{' in the body of kubernetes",
    },
    {
      name: 'a closing brace on the line',
      line: 'pods insecure }',
      says: "3:15 - Wrong argument count or unexpected line ending after 'pods': it takes 1 argument, not 2 ('}' needs a line of its own)",
    },
    {
      name: 'the repetition of what may be given once',
      line: 'labels a\nlabels b',
      says: "4:1 - 'labels' of kubernetes can only be given once",
    },
  ]
  for (const { name, line, says } of bad)
    test(`the body of a directive is refused for ${name}`, () => {
      // A brace that ends a line closes the body, so the block's own brace must not follow.
      const text = line.endsWith('}') && !line.includes('{') ? `kubernetes {\n${line}` : `kubernetes {\n${line}\n}`
      assert.equal(
        refusal(() => readBody(directive(text), rows)),
        `Corefile:${says}`,
      )
    })

  test('the body of a directive may have options in any case where the plugin says so', () => {
    const read = readBody(directive('acl {\nTTL 7\n}'), { ttl: rows.ttl }, { ignoreCase: true })
    assert.equal(read.ttl, 7)
  })
})

test("a wrong argument count of an option is reported at the option's line", () => {
  argCount(directive('reload 30s 15s'), 0, 2)
  assert.equal(
    refusal(() => argCount(directive('reload 1s 2s 3s'), 0, 2)),
    "Corefile:2:16 - Wrong argument count or unexpected line ending after 'reload': it takes 0 to 2 arguments, not 3",
  )
})

test('a directive that takes no block refuses an empty one', () => {
  noBody(directive('loop'))
  assert.equal(
    refusal(() => noBody(directive('loop {\n}'))),
    'Corefile:2:8 - loop takes no block',
  )
})

test('a plugin that may be used once says where it was first used', () => {
  const schema: DirectiveSchema<string[]> = {
    usage: 'cache',
    repeat: 'once',
    read: ({ occurrences, zones }) => [...zones, ...occurrences.map(({ word }) => word)],
  }
  const [{ directives }] = parse('. {\ncache\ncache\n}').blocks
  assert.deepEqual(readSettings(schema, directives.slice(0, 1), ['.']), ['.', 'cache'])
  assert.equal(
    refusal(() => readSettings(schema, directives, ['.'])),
    'Corefile:3:1 - cache: this plugin can only be used once per Server Block (first used at Corefile:2:1)',
  )
})
