import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { rcodeName } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { relayPassage } from '../../../src/plugin/capabilities/relay.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf, erased, provide } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Next, Outcome } from '../../../src/plugin/query.ts'
import { searchLists } from '../../../src/plugins/autopath/capability.ts'
import { autopath } from '../../../src/plugins/autopath/index.ts'
import { createSearchLists } from '../../../src/plugins/kubernetes/search.ts'
import { ask, createPluginHarness, handle, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { shareCluster } from '../../support/shared-cluster.ts'

const soa = parseRecord('cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5')

/**
 * A chain that has these records; NODATA at their other types, NXDOMAIN elsewhere; `NAME failure` is SERVFAIL with an error,
 * `NAME nobody` without one (`hosts` without `fallthrough`), `NAME silence` is no reply.
 */
function chain(...lines: readonly string[]) {
  const asked: string[] = []
  const next: Next = ({ request, qname, name, qtype }) => {
    asked.push(qname)
    if (lines.includes(`${name} failure`))
      return { kind: 'rcode', rcode: 2, plugin: 'forward', error: new Error('dead') }
    if (lines.includes(`${name} nobody`)) return { kind: 'rcode', rcode: 2, plugin: 'hosts' }
    if (lines.includes(`${name} silence`)) return { kind: 'drop', plugin: 'acl' }
    const here = lines.filter((line) => line.startsWith(`${name} `)).map(parseRecord)
    const answer = here.filter(({ type }) => type === qtype).map((record) => ({ ...record, name: qname }))
    const message = replyTo(request, {
      rcode: here.length > 0 ? 0 : 3,
      answer,
      authority: answer.length > 0 ? [] : [soa],
    })
    return { kind: 'reply', plugin: 'kubernetes', message }
  }
  return { asked, next }
}

/** The lines of a reply: its rcode, the question's name, answers. */
function linesOf(outcome: Outcome): string[] {
  if (outcome.kind !== 'reply') return [outcome.kind === 'rcode' ? rcodeName(outcome.rcode) : 'drop']
  const { message } = outcome
  const answers = message.answer.map((record) => recordText(record).replaceAll(/\s+/g, ' '))
  return [`${rcodeName(message.rcode)} ${message.questions[0]!.name}`, ...answers]
}

/** A cluster whose pods are known, with a pod of namespace `shop` at 192.0.2.1, and the node's domain `corp.example.` */
function openCluster(pods: 'verified' | 'insecure' = 'verified') {
  const harness = shareCluster({ settings: { pods, zones: ['cluster.local.', 'in-addr.arpa.'] } })
  harness.apply('namespace bank\npod a shop 192.0.2.1')
  const search = createSearchLists(harness.shared.context, () => ['corp.example.'])
  return { ...harness, kubernetes: { provides: [provide(searchLists, search)] } satisfies Instance }
}

function createAutopathHarness(
  text = 'autopath @kubernetes',
  process: PluginHarness = createPluginHarness(),
  cluster = openCluster(),
) {
  const instance = setUp(autopath, text, process, { others: { kubernetes: cluster.kubernetes } })
  instance.start?.()
  return { instance, cluster, process }
}

const www = 'www.shop.svc.cluster.local.'

interface Case {
  readonly name: string
  readonly question?: string
  readonly client?: string | undefined
  readonly chain: readonly string[]
  readonly reply: readonly string[]
  /** The names that the chain was asked for. */
  readonly asked?: readonly string[]
}

const cases: readonly Case[] = [
  {
    name: 'the first domain where the name is, behind an alias with the lowest TTL of what is there',
    chain: ['www.corp.example. 60 IN A 10.0.0.1'],
    reply: [`NOERROR ${www}`, `${www} 60 IN CNAME www.corp.example.`, 'www.corp.example. 60 IN A 10.0.0.1'],
    asked: [www, 'www.svc.cluster.local.', 'www.cluster.local.', 'www.corp.example.'],
  },
  {
    name: 'its own domain without an alias, and no other is asked',
    chain: [`${www} 5 IN A 10.0.0.1`, 'www.corp.example. 60 IN A 10.0.0.2'],
    reply: [`NOERROR ${www}`, `${www} 5 IN A 10.0.0.1`],
    asked: [www],
  },
  {
    name: 'the name as it was written in the end, in its own case',
    question: 'Www.Example.org.shop.svc.cluster.local. A',
    chain: ['www.example.org. 60 IN A 10.0.0.3'],
    reply: [
      'NOERROR Www.Example.org.shop.svc.cluster.local.',
      'Www.Example.org.shop.svc.cluster.local. 60 IN CNAME Www.Example.org.',
      'Www.Example.org. 60 IN A 10.0.0.3',
    ],
  },
  {
    name: 'NXDOMAIN for its own name where it is nowhere',
    chain: [],
    reply: [`NXDOMAIN ${www}`],
    asked: [www, 'www.svc.cluster.local.', 'www.cluster.local.', 'www.corp.example.', 'www.'],
  },
  {
    name: 'a domain further on, past one that has the name without addresses',
    chain: ['www.svc.cluster.local. 5 IN TXT "x"', 'www.corp.example. 60 IN A 10.0.0.1'],
    reply: [`NOERROR ${www}`, `${www} 60 IN CNAME www.corp.example.`, 'www.corp.example. 60 IN A 10.0.0.1'],
  },
  {
    name: 'NODATA where the name has the other family, and nothing of a domain further on',
    question: `${www} AAAA`,
    chain: [`${www} 5 IN A 10.0.0.1`, 'www.corp.example. 60 IN AAAA fd00::1'],
    reply: [`NOERROR ${www}`],
    asked: [www, www],
  },
  {
    name: 'NODATA where a domain further on has the other family',
    question: `${www} AAAA`,
    chain: ['www.svc.cluster.local. 5 IN A 10.0.0.1', 'www.corp.example. 60 IN AAAA fd00::1'],
    reply: [`NOERROR ${www}`],
  },
  {
    name: 'NODATA for its own name where no domain has the type',
    question: `${www} SRV`,
    chain: [`${www} 5 IN A 10.0.0.1`],
    reply: [`NOERROR ${www}`],
  },
  {
    name: 'NODATA where a domain further on has the name, and none has the type',
    question: `${www} SRV`,
    chain: ['www.cluster.local. 5 IN A 10.0.0.1'],
    reply: [`NOERROR ${www}`],
  },
  {
    name: 'SERVFAIL where a domain on the way fails, because what is behind it is not known',
    chain: ['www.cluster.local. failure', 'www.corp.example. 60 IN A 10.0.0.1'],
    reply: ['SERVFAIL'],
    asked: [www, 'www.svc.cluster.local.', 'www.cluster.local.'],
  },
  {
    name: 'the next domain where nobody has the name of one, or it is dropped',
    chain: [`${www} nobody`, 'www.svc.cluster.local. silence', 'www.corp.example. 60 IN A 10.0.0.1'],
    reply: [`NOERROR ${www}`, `${www} 60 IN CNAME www.corp.example.`, 'www.corp.example. 60 IN A 10.0.0.1'],
  },
  {
    name: 'what its own name got where no domain has it: no reply for one that is dropped',
    chain: [`${www} silence`],
    reply: ['drop'],
  },
  {
    name: 'NODATA for its own name, which it has, where a domain behind it fails',
    chain: [`${www} 5 IN TXT "x"`, 'www.cluster.local. failure'],
    reply: [`NOERROR ${www}`],
  },
  {
    name: 'no name that would be too long',
    question: `${`${'l'.repeat(60)}.`.repeat(3)}shop.svc.cluster.local. A`,
    chain: [],
    reply: [`NXDOMAIN ${`${'l'.repeat(60)}.`.repeat(3)}shop.svc.cluster.local.`],
  },
  ...[
    ['nothing of others to a client that is no pod', { client: '192.0.2.9' }],
    ['nothing of others to a question for another namespace', { question: 'www.bank.svc.cluster.local. A' }],
    ['nothing of others to a question for a pod', { question: 'www.shop.pod.cluster.local. A' }],
    ['nothing of others to a question further up', { question: 'www.svc.cluster.local. A' }],
    ['nothing of others to a question for the domain itself', { question: 'shop.svc.cluster.local. A' }],
    ['nothing of others to a question elsewhere', { question: 'www.example.org. A' }],
    ['nothing of others to a question for an address', { question: '1.2.0.192.in-addr.arpa. PTR' }],
  ].map(([name, more]): Case => {
    const { question = `${www} A`, client } = more as Partial<Case>
    const [asked] = question.split(' ')
    return { name: name as string, question, client, chain: [], reply: [`NXDOMAIN ${asked}`], asked: [asked!] }
  }),
]

describe('autopath for a pod', () => {
  for (const { name, question = `${www} A`, client, chain: lines, reply, asked } of cases)
    it(`autopath gives a pod ${name}`, async () => {
      const { instance } = createAutopathHarness()
      const { next, asked: names } = chain(...lines)
      const outcome = await handle(instance, ask(question, client === undefined ? {} : { client }), next)
      assert.deepEqual(linesOf(outcome), reply)
      if (asked) assert.deepEqual(names, asked)
    })

  it('autopath gives a pod nothing where it is configured for other zones', async () => {
    const { instance } = createAutopathHarness('autopath example.org @kubernetes')
    const { next, asked } = chain()
    await handle(instance, ask(`${www} A`), next)
    assert.deepEqual(asked, [www])
  })

  it('autopath gives a pod nothing where pods are not verified', async () => {
    const { instance } = createAutopathHarness('autopath @kubernetes', createPluginHarness(), openCluster('insecure'))
    assert.equal(capabilityOf(instance, transparency)?.claims(www), undefined)
  })

  it('autopath gives a pod what it found, and counts that', async () => {
    const process = createPluginHarness()
    const { instance } = createAutopathHarness('autopath @kubernetes', process)
    await handle(instance, ask(`${www} A`), chain('www.corp.example. 60 IN A 10.0.0.1').next)
    await handle(instance, ask(`${www} A`), chain().next)
    assert.match(await process.metrics.text(), /^coredns_autopath_success_total\{server="dns:\/\/:53"\} 1$/m)
  })
})

describe('an address that changes hands', () => {
  const lines = ['db.corp.example. 60 IN A 10.0.0.1']
  const searched = async (harness: ReturnType<typeof createAutopathHarness>, namespace: string) => {
    const { next, asked } = chain(...lines)
    await handle(harness.instance, ask(`db.${namespace}.svc.cluster.local. A`), next)
    return asked.length > 1
  }
  const deleted = (name: string, namespace: string) => ({
    kind: 'Pod',
    metadata: { name, namespace, deletionTimestamp: '2026-01-01T00:00:00Z' },
    status: { podIP: '192.0.2.1', phase: 'Running' },
  })

  it('an address that changes hands is searched for in the namespace of its pod', async () => {
    const harness = createAutopathHarness()
    assert.deepEqual([await searched(harness, 'shop'), await searched(harness, 'bank')], [true, false])
  })

  it('an address that changes hands is searched for in no namespace as soon as the deletion of its pod was asked for', async () => {
    const harness = createAutopathHarness()
    harness.cluster.cluster.apply(deleted('a', 'shop'))
    assert.deepEqual([await searched(harness, 'shop'), await searched(harness, 'bank')], [false, false])
  })

  it('an address that changes hands is searched for in the namespace of the new pod while the old one is going', async () => {
    const harness = createAutopathHarness()
    harness.cluster.cluster.apply(deleted('a', 'shop'))
    harness.cluster.apply('pod b bank 192.0.2.1')
    assert.deepEqual([await searched(harness, 'shop'), await searched(harness, 'bank')], [false, true])
  })

  it('an address that changes hands is searched for in no namespace while two pods claim it (as on the network of a host)', async () => {
    const harness = createAutopathHarness()
    harness.cluster.apply('pod b bank 192.0.2.1')
    assert.deepEqual([await searched(harness, 'shop'), await searched(harness, 'bank')], [false, false])
  })

  it('an address that changes hands is searched for in their namespace where it is the same', async () => {
    const harness = createAutopathHarness()
    harness.cluster.apply('pod b shop 192.0.2.1')
    assert.equal(await searched(harness, 'shop'), true)
  })
})

describe('autopath beside the answer table', () => {
  const opaque = capabilityOf(createAutopathHarness().instance, transparency)!
  const names: readonly (readonly [string, boolean | 'records', boolean])[] = [
    [www, 'records', false],
    ['_http._tcp.www.shop.svc.cluster.local.', 'records', false],
    ['shop.svc.cluster.local.', true, false],
    ['svc.cluster.local.', true, true],
    ['cluster.local.', true, true],
    ['1.shop.pod.cluster.local.', true, true],
    ['1.2.0.192.in-addr.arpa.', true, true],
    ['www.example.org.', true, true],
  ]
  for (const [name, passes, below] of names)
    it(`${passes === 'records' ? 'only records' : 'every answer'} for ${name} may come from it, ${below ? 'and' : 'but no'} denials below`, () => {
      const claimed = opaque.claims(name)?.answers === 'denials' ? 'records' : opaque.claims(name) === undefined
      assert.deepEqual([claimed, opaque.claimsBelow(name) === undefined], [passes, below])
    })
})

describe('autopath with a file', () => {
  function withFile(text: string, test: (folder: string) => Promise<void> | void) {
    const folder = mkdtempSync(join(tmpdir(), 'slicedns-autopath-'))
    writeFileSync(join(folder, 'resolv.conf'), text)
    return Promise.resolve(test(folder)).finally(() => rmSync(folder, { recursive: true }))
  }

  it('autopath with a file takes the last search or domain line, for every client', () =>
    withFile('nameserver 10.0.0.1\nsearch x.example\nsearch A.example b.example\n', async (folder) => {
      const instance = setUp(autopath, `autopath ${folder}/resolv.conf`)
      const { next, asked } = chain('www.b.example. 5 IN A 10.0.0.1')
      const outcome = await handle(instance, ask('www.a.example. A', { client: '198.51.100.1' }), next)
      assert.deepEqual(linesOf(outcome), [
        'NOERROR www.a.example.',
        'www.a.example. 5 IN CNAME www.b.example.',
        'www.b.example. 5 IN A 10.0.0.1',
      ])
      assert.deepEqual(asked, ['www.a.example.', 'www.b.example.'])
    }))

  it('autopath with a file does nothing where the file has no such line', () =>
    withFile('nameserver 10.0.0.1\n', async (folder) => {
      const instance = setUp(autopath, `autopath ${folder}/resolv.conf`)
      const { next, asked } = chain()
      await handle(instance, ask('www.a.example. A'), next)
      assert.deepEqual(asked, ['www.a.example.'])
    }))

  it('autopath with a file keeps the names below the first domain from the relay, where its zones have them', () =>
    withFile('search a.example b.example\n', (folder) => {
      const held = (zones: string) =>
        capabilityOf(setUp(autopath, `autopath ${zones} ${folder}/resolv.conf`), relayPassage)!.zones
      assert.deepEqual(held(''), ['a.example.'])
      assert.deepEqual(held('example'), ['a.example.'])
      assert.deepEqual(held('x.a.example org'), ['x.a.example.'])
    }))

  it('autopath with a file needs the file', () => {
    assert.throws(
      () => setUp(autopath, 'autopath nosuchfile'),
      /cannot read .*nosuchfile: .*: no such file or directory/,
    )
  })

  it('autopath with a file needs a plugin that knows search lists, but not that it is there', () => {
    const settings = { from: { plugin: 'other' }, files: [], zones: ['.'] }
    const able = { name: 'able', offers: [erased(searchLists)] }
    assert.equal(autopath.unmetRequirement?.(settings, []), undefined)
    assert.equal(autopath.unmetRequirement?.(settings, [{ ...able, name: 'other' }]), undefined)
    assert.equal(
      autopath.unmetRequirement?.(settings, [{ name: 'other' }, able]),
      'plugin other does not support autopath; use @able',
    )
  })
})
