/**
 * Who may not have an answer does not get it by a detour: not from the answer table, not from the cache that an allowed
 * client has filled, not by `rewrite`, `autopath` or a CNAME of `template`. Each combination of the plugins that decide
 * or change answers is asked by an allowed client and by a blocked one, over UDP and TCP.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseAddress } from '../../../src/dns/address.ts'
import { type as rrType } from '../../../src/dns/codes.ts'
import { isSubdomain } from '../../../src/dns/name.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { runs } from '../../support/effort.ts'
import {
  type Exchange,
  type LoopbackClient,
  type LoopbackServer,
  loopbackClient,
  startLoopbackServer,
} from '../../support/loopback-server.ts'
import { type Script, type ScriptedUpstream, startUpstream } from '../../support/upstream.ts'

const blocked = '127.0.0.2'
const allowed = '127.0.0.3'

/** What the blocked client must not see. */
const secret = { A: '192.0.2.66', AAAA: '2001:db8::66', TXT: 'the-secret-text' }
const secretOctets = [parseAddress(secret.A)!, parseAddress(secret.AAAA)!, Buffer.from(secret.TXT)]
const decoy = { A: '192.0.2.1', AAAA: '2001:db8::1', TXT: 'open' }
type Data = typeof secret

/** Who answers the secret name: `hosts` and `kubernetes` (the table), `forward` (the cache) and `template`. */
const zones = { hosts: 'hosts.test', apps: 'apps.svc.cluster.local', up: 'up.test', made: 'made.test' } as const
type Source = keyof typeof zones
const sources = Object.keys(zones) as Source[]
const secretNames = sources.map((source) => `secret.${zones[source]}`)

const each = (line: (zone: string, source: Source) => string): string =>
  sources.map((source) => line(zones[source], source)).join('\n')

const acl = (...policies: readonly string[]) => `acl ${secretNames.join(' ')} {\n${policies.join('\n')}\n}`

/** How each plugin may be written. */
const shapes = {
  acl: [
    acl(`block net ${blocked}`),
    acl(`filter net 127.0.0.2/31 10.0.0.0/8`).replace('filter', `allow net ${allowed}\nfilter`),
    acl(`drop net ${blocked}/32`),
    acl(`allow net ${allowed}`, 'block'),
    acl(`filter type A net ${blocked}`, `block type AAAA TXT SRV ANY net ${blocked}`),
    `acl else.test {\nblock\n}\nacl test svc.cluster.local {\nallow net ${allowed}\nfilter type A AAAA\nblock\n}`,
  ],
  cache: [
    'cache 60',
    'cache {\nserve_stale 1h immediate\nprefetch 1 1m 90%\n}',
    'cache {\nserve_stale 1h verify\nkeepttl\n}',
    'cache 1 {\nserve_stale 1h verify 1ms 5s 1s\n}',
    'cache {\nsuccess 4\ndenial 4\n}',
    'cache test svc.cluster.local',
  ],
  rewrite: [
    each((zone, source) => `rewrite name exact secret.${source}.alias secret.${zone}`),
    each((zone, source) => `rewrite stop name suffix .${source}.alias .${zone} answer auto`),
    each((zone, source) => `rewrite continue name regex (.*)\\.${source}\\.alias {1}.${zone} answer auto`),
    // Out of the blocked name: what it leads to is open.
    each((zone) => `rewrite name exact secret.${zone} open.hosts.test`),
    each(
      (zone, source) =>
        `rewrite cname exact open.${zone} secret.${zone}.\nrewrite name exact ${source}.alias open.${zone}`,
    ),
    'rewrite continue type MX A\nrewrite name prefix alias. secret.',
  ],
  autopath: sources.map((_, first) => {
    const domains = sources.map((_, at) => zones[sources[(first + at) % sources.length]])
    return `search first.test ${domains.join(' ')}\n`
  }),
} as const

/** The names in `template` of aliases that lead to the secret, whoever answers that. */
function template({ A, AAAA, TXT }: Data): string {
  const made = (type: string, text: string) => `template IN ${type} made.test {
    match ^secret\\.made\\.test\\.$
    answer "{{ .Name }} 60 IN ${type} ${text}"
    fallthrough
  }`
  const aliases = each(
    (zone, source) => `template IN ANY cname.test {
    match ^${source}\\.cname\\.test\\.$
    answer "{{ .Name }} 60 IN CNAME secret.${zone}."
    fallthrough
  }`,
  )
  const guarded = `template IN A made.test {
    match ^guarded\\.made\\.test\\.$
    expr client_ip() != '${blocked}'
    answer "{{ .Name }} 60 IN A ${secret.A}"
    fallthrough
  }`
  return [made('A', A), made('AAAA', AAAA), made('TXT', TXT), aliases, guarded].join('\n')
}

const questions: readonly string[] = [
  ...secretNames.flatMap((name) => ['A', 'AAAA', 'TXT', 'MX', 'ANY'].map((type) => `${mixedCase(name)}. ${type}`)),
  ...sources.flatMap((source) => [
    `${source}.cname.test. A`,
    `${source}.CNAME.test. AAAA`,
    `${source}.alias. A`,
    `secret.${source}.alias. A`,
    `SECRET.${source}.alias. AAAA`,
    `open.${zones[source]}. A`,
  ]),
  'cname.apps.svc.cluster.local. A',
  // A template that looks at the client guards its answers by itself.
  'guarded.made.test. A',
  'secret.First.test. A',
  'secret.first.test. AAAA',
]

function mixedCase(name: string): string {
  return name.replaceAll(/[aeiou]/g, (vowel) => vowel.toUpperCase())
}

const plugins = ['acl', 'view', 'cache', 'rewrite', 'autopath', 'template'] as const
type Plugin = (typeof plugins)[number]

const subsets: readonly ReadonlySet<Plugin>[] = Array.from(
  { length: 2 ** plugins.length },
  (_, bits) => new Set(plugins.filter((_, at) => bits & (1 << at))),
)

describe('the order of security plugins', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-order-'))
  let upstreams: Readonly<Record<'secret' | 'decoy', ScriptedUpstream>>
  let server: LoopbackServer
  let clients: Readonly<Record<'allowed' | 'blocked', LoopbackClient>>

  before(async () => {
    writeFileSync(join(folder, 'cluster.json'), serviceList(secret))
    writeFileSync(join(folder, 'hosts'), '')
    upstreams = { secret: await startUpstream(answering(secret)), decoy: await startUpstream(answering(decoy)) }
    server = await startLoopbackServer((port) => `.:${port} {\nbind 127.0.0.1\nwhoami\n}`)
    clients = {
      allowed: loopbackClient(allowed, server.port),
      blocked: loopbackClient(blocked, server.port),
    }
  })
  after(async () => {
    await server.stop()
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()))
    rmSync(folder, { recursive: true })
  })

  /** The plugins of a block that has the secret, or something else in its place. */
  function body(used: ReadonlySet<Plugin>, variant: number, data: 'secret' | 'decoy'): string {
    const { A, AAAA, TXT } = data === 'secret' ? secret : decoy
    const at = <T>(list: readonly T[], step: number): T => list[(variant * step) % list.length]
    const lists = join(folder, 'resolv.conf')
    writeFileSync(lists, at(shapes.autopath, 1))
    const parts = [
      'bind 127.0.0.1',
      used.has('rewrite') && at(shapes.rewrite, 1),
      used.has('autopath') && `autopath first.test ${lists}`,
      used.has('acl') && at(shapes.acl, 1),
      used.has('cache') && at(shapes.cache, 1),
      used.has('template') && template({ A, AAAA, TXT }),
      `hosts ${join(folder, 'hosts')} hosts.test {\n${A} secret.hosts.test\n${AAAA} secret.hosts.test\n${decoy.A} open.hosts.test\n}`,
      data === 'secret' && `kubernetes cluster.local {\nmanifests ${folder}\n}`,
      `forward . ${upstreams[data].to}`,
    ]
    return parts.filter((part) => part !== false).join('\n')
  }

  function corefile(used: ReadonlySet<Plugin>, variant: number): string {
    const block = (keys: readonly string[], lines: string) =>
      `${keys.map((key) => `${key}:${server.port}`).join(' ')} {\n${lines}\n}\n`
    if (!used.has('view')) return block(['.'], body(used, variant, 'secret'))
    const view = `view allowed {\nexpr ${variant % 2 ? `client_ip() == '${allowed}'` : `incidr(client_ip(), '${allowed}/32')`}\n}\n`
    const keys = variant % 3 === 0 ? ['.'] : variant % 3 === 1 ? secretNames : ['.', ...secretNames]
    return block(keys, view + body(used, variant, 'secret')) + block(['.'], body(used, variant, 'decoy'))
  }

  /** What is wrong with the reply to a client, or undefined. */
  function fault({ request, reply }: Exchange, mayHaveSecret: boolean): string | undefined {
    if (reply === undefined) return undefined
    const end = request.length
    if (!Buffer.from(reply.subarray(12, end)).equals(request.subarray(12, end))) return 'has another question'
    return !mayHaveSecret && hasSecret(reply) ? 'has the secret' : undefined
  }

  async function askAll(
    client: 'allowed' | 'blocked',
    via: 'udp' | 'tcp',
    dropped: boolean,
  ): Promise<readonly Exchange[]> {
    if (client === 'blocked' && dropped) return clients.blocked.askUntil(questions, via, 'end.up.test. A')
    return clients[client].ask(questions, via)
  }

  for (const [index, used] of subsets.entries()) {
    const title = used.size === 0 ? 'without them' : `with ${[...used].join(', ')}`
    it(`a blocked client gets nothing of the secret, and every reply has its question, ${title}`, async () => {
      const faults: string[] = []
      for (let turn = 0; turn < runs(2); turn++) {
        const variant = (index + turn) % 6
        const text = corefile(used, variant)
        await server.load(text)
        const dropped = used.has('acl') && text.includes('drop net')
        const isGuarded = used.has('acl') || used.has('view')
        const seen = new Set<string>()
        const ask = async (client: 'allowed' | 'blocked') => {
          for (const via of ['udp', 'tcp'] as const)
            for (const exchange of await askAll(client, via, dropped)) {
              if (exchange.reply && hasSecret(exchange.reply)) seen.add(exchange.question)
              const isHidden = isGuarded || exchange.question.startsWith('guarded')
              const found = fault(exchange, client === 'allowed' || !isHidden)
              if (found !== undefined)
                faults.push(`variant ${variant}: the reply to ${exchange.question} over ${via} ${found}`)
            }
        }
        await ask('allowed')
        await ask('allowed')
        const unseen = mustBeSeen(used, variant).filter((question) => !seen.has(question))
        assert.deepEqual(unseen, [], `the allowed client sees the secret\n${text}`)
        await ask('blocked')
        // What was cached is stale by now: the blocked client is the first to ask for it again.
        server.pass(70_000)
        await ask('blocked')
        await ask('allowed')
        await ask('blocked')
      }
      assert.deepEqual(faults, [])
    })
  }
})

/** What the allowed client gets: without it nothing would be shown. */
function mustBeSeen(used: ReadonlySet<Plugin>, variant: number): readonly string[] {
  if (used.has('rewrite') && variant === 3) return []
  // A name that `rewrite` or `autopath` makes stays in their block: a view of other zones is not asked.
  const isElsewhere = used.has('view') && variant % 3 === 1
  const answered = sources.filter((source) => source !== 'made' || used.has('template'))
  return [
    ...answered.map((source) => `${mixedCase(`secret.${zones[source]}`)}. A`),
    ...(used.has('template') ? ['guarded.made.test. A', ...answered.map((source) => `${source}.cname.test. A`)] : []),
    ...(used.has('rewrite') && variant < 3 && !isElsewhere
      ? answered.map((source) => `secret.${source}.alias. A`)
      : []),
    ...(used.has('autopath') && !isElsewhere ? ['secret.First.test. A'] : []),
  ]
}

function hasSecret(reply: Uint8Array): boolean {
  return secretOctets.some((octets) => Buffer.from(reply).includes(octets))
}

/** Names that begin with `secret` have the data, `open` and `end` a harmless address; no other exists. */
function answering(data: Data): Script {
  return ({
    query: {
      questions: [{ name, type }],
    },
    reply,
  }) => {
    const [first] = name.toLowerCase().split('.')
    if (!['secret', 'open', 'end'].includes(first) || !isSubdomain('up.test.', name.toLowerCase()))
      return reply({ rcode: 3 })
    const { A, AAAA, TXT } = first === 'secret' ? data : decoy
    const found = { [rrType.A]: `A ${A}`, [rrType.AAAA]: `AAAA ${AAAA}`, [rrType.TXT]: `TXT ${TXT}` }[type]
    reply(found === undefined ? {} : { answer: [{ ...parseRecord(`x. 60 IN ${found}`), name }] })
  }
}

function serviceList({ A, AAAA }: Data): string {
  const service = (name: string, spec: object) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'apps' },
    spec,
  })
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
  const items = [
    service('secret', { clusterIP: A, clusterIPs: [A, AAAA], ports }),
    service('open', { clusterIP: decoy.A, clusterIPs: [decoy.A], ports }),
    service('cname', { type: 'ExternalName', externalName: 'secret.up.test' }),
  ]
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}
