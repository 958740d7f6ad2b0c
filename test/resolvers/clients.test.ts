/** The stub resolvers that pods have, each in its own process, with a resolv.conf as kubelet writes it, asking slicedns. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { without } from '../support/peers.ts'
import { runtime } from '../support/server.ts'
import { until } from '../support/until.ts'
import type { Answer, Question } from './answers.ts'
import { type ServedCluster, serveCluster, sizes, zone } from './cluster.ts'
import { sumBy } from './metrics.ts'
import { openPod, type Pod, withoutPods } from './pod.ts'
import { startResolved } from './resolved.ts'
import { removePrograms, type StubResolver, stubResolvers } from './resolvers.ts'

const search = [`apps.svc.${zone}`, `svc.${zone}`, zone] as const
const ndotsValues = [5, 2] as const
const noPods = withoutPods() || without('unbound', 'dig')

let pod: Pod
let cluster: ServedCluster

before(async () => {
  if (noPods) return
  pod = await openPod()
  writeFileSync(join(pod.folder, 'outside.conf'), outside)
  const world = pod.start(['unbound', '-d', '-c', join(pod.folder, 'outside.conf')])
  cluster = await serveCluster({ inside: pod.inside, upstream: '127.0.0.1:5353' })
  await until(async () => {
    const answer = await pod.run(['dig', '+short', '@127.0.0.1', 'www.example.com'])
    assert.equal(answer.trim(), '192.0.2.80', `unbound printed: ${world()}`)
  })
  await until(async () => {
    const answer = await pod.run(['dig', '+short', '+tcp', '@127.0.0.1', `n-${sizes.at(-1)}.apps.svc.${zone}`])
    assert.equal(answer.trim().split('\n').length, sizes.at(-1))
  })
  if (stubResolvers.some(({ name, needs }) => /systemd/.test(name) && !needs)) await startResolved(pod, search)
})

after(async () => {
  await cluster?.stop()
  await pod?.stop()
  removePrograms()
})

/** The world outside the cluster, for unbound: one name. */
const outside = `server:
  interface: 127.0.0.1@5353
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  pidfile: ""
  module-config: "iterator"
  local-zone: "." static
  local-data: "www.example.com. A 192.0.2.80"
  local-data: "www.example.com. AAAA 2001:db8::80"
remote-control:
  control-enable: no
`

/** What each form of a name of service `web` finds. */
const web: Readonly<Record<string, readonly string[]>> = {
  A: ['10.96.1.1'],
  AAAA: ['fd00:96::1:1'],
  ANY: ['10.96.1.1', 'fd00:96::1:1'],
  HOST: ['fd00:96::1:1'],
}
const forms = ['web', 'web.apps', 'web.apps.svc', `web.apps.svc.${zone}`, `web.apps.svc.${zone}.`] as const

function finds(resolver: StubResolver, name: string, ndots: number): boolean {
  const dots = name.split('.').length - 1
  if (dots >= 4 || resolver.searches === 'always') return true
  if (resolver.searches === 'below ndots') return dots < ndots
  return resolver.searches === 'single labels' && dots === 0
}

const world: Readonly<Partial<Record<Question, Answer>>> = {
  'A:www.example.com': ['192.0.2.80'],
  'A:www.example.com.': ['192.0.2.80'],
  'AAAA:www.example.com': ['2001:db8::80'],
  'HOST:www.example.com': ['2001:db8::80'],
  'A:no.such.example': 'not-found',
  'HOST:no.such.example.': 'not-found',
}

const records: Readonly<Partial<Record<Question, readonly string[]>>> = {
  [`A:alias.apps.svc.${zone}.`]: ['10.96.1.4'],
  [`A:outside.apps.svc.${zone}.`]: ['192.0.2.80'],
  [`AAAA:outside.apps.svc.${zone}.`]: ['2001:db8::80'],
  [`HOST:alias.apps.svc.${zone}.`]: ['10.96.1.4'],
  [`A:db-0.db.apps.svc.${zone}.`]: ['10.60.0.1'],
  [`AAAA:db-0.db.apps.svc.${zone}.`]: ['fd00:60::1'],
  [`ANY:db.apps.svc.${zone}.`]: ['10.60.0.1', '10.60.0.2', 'fd00:60::1'],
  [`ANY:four.apps.svc.${zone}.`]: ['10.96.1.4'],
  [`ANY:six.apps.svc.${zone}.`]: ['fd00:96::1:6'],
  [`SRV:_http._tcp.web.apps.svc.${zone}.`]: [`web.apps.svc.${zone}:80`],
  [`SRV:_http._tcp.db.apps.svc.${zone}.`]: [`db-0.db.apps.svc.${zone}:80`, `db-1.db.apps.svc.${zone}:80`],
  [`TXT:dns-version.${zone}.`]: ['1.1.0'],
  'PTR:10.96.1.1': [`web.apps.svc.${zone}`],
  'PTR:fd00:96::1:1': [`web.apps.svc.${zone}`],
  'PTR:10.60.0.2': [`db-1.db.apps.svc.${zone}`],
}

for (const resolver of stubResolvers) {
  const can = (question: string) => resolver.kinds.some((kind) => question.startsWith(`${kind}:`))
  const ask = async (questions: readonly string[], ndots: number) => {
    const nameserver = resolver.server ?? '127.0.0.1'
    pod.configure(`nameserver ${nameserver}\nsearch ${search.join(' ')}\noptions ndots:${ndots}\n`)
    const asked = questions.filter(can) as Question[]
    const answers = await resolver.ask(pod, asked)
    return asked.map((question): [Question, Answer] => [question, sorted(answers.get(question)!)])
  }
  describe(resolver.name, { skip: noPods || resolver.needs }, () => {
    for (const ndots of ndotsValues) {
      test(`a client finds a service by each form of its name that it completes under ndots:${ndots}`, async () => {
        const questions = Object.keys(web).flatMap((kind) => forms.map((form) => `${kind}:${form}`))
        for (const [question, answer] of await ask(questions, ndots)) {
          const [kind, name] = question.split(':') as [string, string]
          assert.deepEqual(answer, finds(resolver, name, ndots) ? web[kind]! : 'not-found', question)
        }
      })

      test(`a client finds what is outside the cluster under ndots:${ndots}`, async () => {
        for (const [question, answer] of await ask(Object.keys(world), ndots)) {
          assert.deepEqual(answer, sorted(world[question]!), question)
        }
      })

      test(`a client learns from the first answers that a name does not exist, under ndots:${ndots}`, async () => {
        const names = [
          'nosuch',
          'nosuch.apps',
          `nosuch.apps.svc.${zone}`,
          `nosuch.apps.svc.${zone}.`,
          `a.b.web.apps.svc.${zone}.`,
        ]
        const before = await responses()
        const questions = [
          ...names.flatMap((name) => [`A:${name}`, `AAAA:${name}`, `HOST:${name}`]),
          'PTR:10.9.9.9',
          'PTR:fd00:9::9',
        ]
        const answers = await ask(questions, ndots)
        for (const [question, answer] of answers) assert.equal(answer, 'not-found', question)
        // Two families, as it stands and with each of the search list; more would be retries.
        const queries = (await responses()).total - before.total
        assert.ok(queries <= answers.length * 2 * (1 + search.length), `${queries} queries for ${answers.length} names`)
      })
    }

    test('a client gets the records of every kind that it can ask for', async () => {
      for (const [question, answer] of await ask(Object.keys(records), 5)) {
        assert.deepEqual(answer, sorted(records[question]!), question)
      }
    })

    test('a client distinguishes a family or type that a service does not have from an error', async () => {
      const questions = [`AAAA:four.apps.svc.${zone}.`, `A:six.apps.svc.${zone}.`, `TXT:web.apps.svc.${zone}.`]
      for (const [question, answer] of await ask(questions, 5)) {
        assert.match(String(answer), /^no-data$|^not-found$/, question)
      }
    })

    test(`a client gets ${resolver.whole ? 'every address' : 'addresses'} of services of any size`, async () => {
      for (const size of sizes) {
        const name = `n-${size}.apps.svc.${zone}`
        for (const [question, answer] of await ask([`A:${name}`, `HOST:${name}`], 5)) {
          const found = new Set(answer)
          if (resolver.whole) assert.equal(found.size, size, question)
          else assert.ok(found.size >= Math.min(size, 29) && found.size <= size, `${question}: ${found.size} addresses`)
        }
      }
    })
  })
}

const glibc = stubResolvers.find(({ name }) => name === 'getaddrinfo (glibc)')!

/** Lines of resolv.conf that clusters set by `dnsConfig`, and what they are for. */
const ways = [
  ['nameserver 127.0.0.1\noptions edns0', 'larger UDP replies'],
  ['nameserver 127.0.0.1\noptions use-vc', 'TCP alone'],
  ['nameserver 127.0.0.1\noptions single-request', 'one question at a time'],
  ['nameserver 127.0.0.1\noptions single-request-reopen', 'a socket for each question'],
  ['nameserver 127.0.0.1\nnameserver ::1\noptions rotate', 'two servers by turns'],
  ['nameserver ::1', 'IPv6'],
] as const

for (const [lines, purpose] of ways) {
  test(`glibc finds all the same with ${lines.replaceAll('\n', ', ')} (${purpose})`, {
    skip: noPods || glibc.needs,
  }, async () => {
    pod.configure(`${lines}\nsearch ${search.join(' ')}\noptions ndots:5\n`)
    const big = `A:n-1000.apps.svc.${zone}.` as const
    const answers = await glibc.ask(pod, ['ANY:web', 'A:web.apps', 'A:nosuch', 'PTR:10.96.1.1', big])
    assert.deepEqual(sorted(answers.get('ANY:web')!), web.ANY)
    assert.deepEqual(answers.get('A:web.apps'), web.A)
    assert.equal(answers.get('A:nosuch'), 'not-found')
    assert.deepEqual(answers.get('PTR:10.96.1.1'), [`web.apps.svc.${zone}`])
    assert.equal(new Set(answers.get(big)).size, 1000)
  })
}

test('no query of any resolver ended in SERVFAIL, or in an error', { skip: noPods }, async () => {
  const { byRcode } = await responses()
  assert.deepEqual(Object.keys(byRcode).sort(), ['NOERROR', 'NXDOMAIN'])
})

const sorted = (answer: Answer) => (typeof answer === 'string' ? answer : [...answer].sort())

/** What the server has answered so far, by its own metrics. */
async function responses(): Promise<{ readonly total: number; readonly byRcode: Readonly<Record<string, number>> }> {
  const url = `http://127.0.0.1:${cluster.server.ports.metrics}/metrics`
  const text = await pod.run([runtime, '-e', `fetch('${url}').then((reply) => reply.text()).then(console.log)`])
  const byRcode = sumBy(text, 'coredns_dns_responses_total', 'rcode')
  return { total: Object.values(byRcode).reduce((sum, count) => sum + count, 0), byRcode }
}
