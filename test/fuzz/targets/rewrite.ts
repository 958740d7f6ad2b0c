/**
 * Rules of `rewrite` (lines) and questions (lines `? NAME TYPE`): what is passed on is a question, the reply is about what was
 * asked, and a name that no rule claims passes as it is.
 */
import assert from 'node:assert/strict'
import { ConfigError } from '../../../src/corefile/schema.ts'
import { lowerName, NameError, parseName } from '../../../src/dns/name.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { rewrite } from '../../../src/plugins/rewrite/index.ts'
import { ask, createPluginHarness, setUp } from '../../support/plugin-harness.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const seeds = [
  'rewrite name exact a.example.org b.example.org\n? a.example.org. A\n? c.example.org. A',
  'rewrite name regex (.*)-(us-west-1)\\.example\\.org {1}.service.{2}.consul answer name (.*)\\.service\\.(us-west-1)\\.consul {1}-{2}.example.org answer value x y\n? web-us-west-1.example.org. AAAA',
  'rewrite continue name suffix .schmoogle.com. .google.com. answer auto\nrewrite stop type ANY HINFO\n? a.Schmoogle.com. ANY',
  'rewrite name prefix foo- bar-\nrewrite name substring x y\nrewrite class CH IN\nrewrite ttl suffix .example.org 5-60\n? foo-x.example.org. A',
  'rewrite edns0 local set 0xffee {qname} revert\nrewrite edns0 nsid append\nrewrite edns0 subnet replace 24 56\nrewrite edns0 local unset 0xffee\n? a. A',
  'rewrite rcode regex .* NXDOMAIN NOERROR\nrewrite cname exact b.example.org. c.example.org.\n? c.example.org. A\n? www.example.org. CNAME',
  'rewrite stop {\n name regex (.*)\\.coredns\\.rocks {1}.svc.cluster.local\n answer name (.*)\\.svc\\.cluster\\.local {1}.coredns.rocks\n}\n? web.coredns.rocks. SRV',
  'rewrite ttl exact a. 30\nrewrite ttl prefix b 5-\nrewrite name exact \\. b.\n? a. TXT\n? . NS',
]

/** Questions of one input. */
const maxQuestions = 4

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    'rewrite ',
    'continue ',
    'stop ',
    'name ',
    'exact ',
    'prefix ',
    'suffix ',
    'substring ',
    'regex ',
    'answer ',
    'auto',
    'value ',
    'type ',
    'class ',
    'ttl ',
    'cname ',
    'rcode ',
    'edns0 ',
    'local ',
    'nsid ',
    'subnet ',
    'set ',
    'replace ',
    'append ',
    'unset ',
    'revert',
    '{0}',
    '{1}',
    '{2}',
    '{qname}',
    '{client_ip}',
    'metadata',
    '(.*)',
    '([a-z]+)',
    '\\.',
    '\\046',
    '\\\\',
    '.example.org',
    '\n? ',
    ' A',
    ' ANY',
    ' CNAME',
    '-',
    '30-',
    '0xffee',
    ' {\n',
    '\n}',
    '"',
    '$1',
    '*',
    '.',
  ],
  maxOctets: 1000,
  maxSteps: () => 3_000_000,
  async check(input) {
    const lines = decoder.decode(input).split('\n')
    const rules = lines.filter((line) => !line.startsWith('? ')).join('\n')
    // Nothing of the disk is read.
    if (rules.includes('import')) return
    let instance: Instance
    try {
      instance = setUp(rewrite, rules, createPluginHarness())
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error))
      assert.ok(error.at !== undefined && error.at.line >= 1 && error.at.line <= lines.length + 3, error.message)
      return
    }
    for (const line of lines.filter((each) => each.startsWith('? ')).slice(0, maxQuestions))
      await checkQuestion(instance, line.slice(2))
  },
}

const records = [
  'b.example.org. 60 IN CNAME c.example.org.',
  'c.example.org. 60 IN A 192.0.2.1',
  'web.service.us-west-1.consul. 9 IN SRV 1 2 3 x.',
].map(parseRecord)

async function checkQuestion(instance: Instance, text: string): Promise<void> {
  const [name, type = 'A'] = text.split(' ')
  let qname: string
  try {
    qname = parseName(name)
  } catch (error) {
    assert.ok(error instanceof NameError, String(error))
    return
  }
  const lookup = async (): Promise<Outcome> => ({ kind: 'rcode', rcode: 2, plugin: 'test' })
  const asked: Query = { ...ask('. A'), lookup, ...questionOf(qname, ask(`. ${type}`)) }
  let passed: Query | undefined
  const outcome = await instance.handler!(asked, (query) => {
    passed = query
    return {
      kind: 'reply',
      plugin: 'test',
      message: replyTo(query.request, { answer: [...records, { ...records[1], name: query.qname }] }),
    }
  })
  if (passed !== undefined) {
    assert.equal(parseName(passed.qname), passed.qname)
    assert.equal(lowerName(passed.qname), passed.name)
    assert.deepEqual(passed.request.questions, [{ name: passed.qname, type: passed.qtype, class: passed.qclass }])
  }
  if (outcome.kind === 'reply') {
    assert.deepEqual(outcome.message.questions, asked.request.questions)
    const octets = encodeMessage(outcome.message, { limit: 65_535 })
    // A TTL with the highest bit counts as zero (RFC 2181 §8).
    const answer = outcome.message.answer.map((record) => (record.ttl > 0x7fffffff ? { ...record, ttl: 0 } : record))
    assert.deepEqual(parseMessage(octets).answer, answer)
  }
  // The table leaves questions of type ANY to the chain.
  if (asked.qtype === 255) return
  const claim = capabilityOf(instance, transparency)!.claims(asked.name, asked.qtype)
  if (claim !== undefined) return
  assert.ok(passed !== undefined && outcome.kind === 'reply', 'a name that no rule claims is passed on')
  assert.equal(passed.qname, qname)
  assert.equal(passed.qtype, asked.qtype)
  assert.equal(outcome.message.rcode, 0)
  assert.deepEqual(outcome.message.answer, [...records, { ...records[1], name: qname }])
}

function questionOf(
  qname: string,
  { qtype, qclass, request }: Query,
): Pick<Query, 'qname' | 'name' | 'qtype' | 'qclass' | 'request'> {
  const questions = [{ name: qname, type: qtype, class: qclass }]
  return { qname, name: lowerName(qname), qtype, qclass, request: { ...request, questions } }
}
