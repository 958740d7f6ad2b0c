/** The plugin with a real etcd; CoreDNS beside it where it is there. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type DigReply, dig } from '../support/dig.ts'
import { type Etcd, startEtcd } from '../support/etcd.ts'
import { type LoopbackServer, startLoopbackServer } from '../support/loopback-server.ts'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'

const skip = without('etcd', 'dig')

interface Site {
  readonly etcd: Etcd
  readonly server: LoopbackServer
  ask(name: string, type: string): Promise<DigReply>
  /** Waits until the answer section is this. */
  answers(question: string, expected: readonly string[]): Promise<DigReply>
  stop(): Promise<void>
}

/** A block for `a.` with these options, and one for all other names. */
async function open(etcd: Etcd, options: (etcd: Etcd) => string = () => '', beside = ''): Promise<Site> {
  const server = await startLoopbackServer(
    (port) => `
a:${port} {
  bind 127.0.0.1
  errors
  ${beside}
  etcd {
    endpoint ${etcd.url}
    ${options(etcd)}
  }
}
.:${port} {
  bind 127.0.0.1
  template IN A elsewhere.example. {
    answer "{{ .Name }} 60 IN A 192.0.2.77"
  }
}
`,
  )
  const ask = (name: string, type: string) => dig(name, type, { port: server.port })
  return {
    etcd,
    server,
    ask,
    answers: (question, expected) =>
      until(async () => {
        const [name, type] = question.split(' ') as [string, string]
        const reply = await ask(name, type)
        assert.deepEqual(reply.answer, expected)
        return reply
      }),
    async stop() {
      await server.stop()
      await etcd.stop()
    },
  }
}

describe('services in etcd', { skip }, () => {
  let site: Site
  before(async () => {
    const etcd = await startEtcd()
    const services: Readonly<Record<string, object>> = {
      'web/x1': { host: '10.0.0.1', port: 8080 },
      'web/x2': { host: '10.0.0.2', port: 8081, priority: 3, weight: 5 },
      six: { host: 'fd00::1', ttl: 7 },
      alias: { host: 'web.a' },
      out: { host: 'elsewhere.example' },
      mail: { host: '10.0.0.9', mail: true, priority: 5 },
      txt: { text: 'hello' },
      long: { text: 'x'.repeat(300) },
      loop1: { host: 'loop2.a' },
      loop2: { host: 'loop1.a' },
      srv: { host: 'web.a', port: 99 },
      strip: { host: '10.0.0.8', port: 1, targetstrip: 1 },
      'dns/apex/x': { host: '10.9.9.9' },
      'dns/ns/n1': { host: '10.8.8.8' },
      'group/p': { host: '10.1.0.1', group: 'g1' },
      'group/q/r': { host: '10.1.0.2', group: 'g2' },
    }
    for (const [name, service] of Object.entries(services)) await etcd.put(`/skydns/a/${name}`, service)
    site = await open(etcd)
    await site.answers('web.a. A', ['web.a. 300 IN A 10.0.0.1', 'web.a. 300 IN A 10.0.0.2'])
  })
  after(() => site?.stop())

  const rows: readonly (readonly [question: string, rcode: string, answer: string[], additional?: string[]])[] = [
    ['x1.web.a. A', 'NOERROR', ['x1.web.a. 300 IN A 10.0.0.1']],
    ['web.a. AAAA', 'NOERROR', []],
    ['WeB.a. HTTPS', 'NOERROR', []],
    ['six.a. AAAA', 'NOERROR', ['six.a. 7 IN AAAA fd00::1']],
    [
      'web.a. SRV',
      'NOERROR',
      ['web.a. 300 IN SRV 10 100 8080 x1.web.a.', 'web.a. 300 IN SRV 3 100 8081 x2.web.a.'],
      ['x1.web.a. 300 IN A 10.0.0.1', 'x2.web.a. 300 IN A 10.0.0.2'],
    ],
    [
      'srv.a. SRV',
      'NOERROR',
      ['srv.a. 300 IN SRV 10 100 99 web.a.'],
      ['web.a. 300 IN A 10.0.0.1', 'web.a. 300 IN A 10.0.0.2'],
    ],
    ['strip.a. SRV', 'NOERROR', ['strip.a. 300 IN SRV 10 100 1 a.'], ['a. 300 IN A 10.0.0.8']],
    ['alias.a. CNAME', 'NOERROR', ['alias.a. 300 IN CNAME web.a.']],
    ['alias.a. A', 'NOERROR', ['alias.a. 300 IN CNAME web.a.', 'web.a. 300 IN A 10.0.0.1', 'web.a. 300 IN A 10.0.0.2']],
    ['out.a. A', 'NOERROR', ['elsewhere.example. 60 IN A 192.0.2.77', 'out.a. 300 IN CNAME elsewhere.example.']],
    ['loop1.a. A', 'NOERROR', []],
    ['mail.a. MX', 'NOERROR', ['mail.a. 300 IN MX 5 mail.a.'], ['mail.a. 300 IN A 10.0.0.9']],
    ['txt.a. TXT', 'NOERROR', ['txt.a. 300 IN TXT "hello"']],
    ['long.a. TXT', 'NOERROR', [`long.a. 300 IN TXT "${'x'.repeat(255)}" "${'x'.repeat(45)}"`]],
    ['txt.a. A', 'NOERROR', []],
    ['group.a. A', 'NOERROR', ['group.a. 300 IN A 10.1.0.1']],
    ['*.web.a. A', 'NOERROR', ['*.web.a. 300 IN A 10.0.0.1', '*.web.a. 300 IN A 10.0.0.2']],
    ['*.x1.web.a. A', 'NOERROR', []],
    ['a. A', 'NOERROR', ['a. 300 IN A 10.9.9.9']],
    ['a. NS', 'NOERROR', ['a. 300 IN NS n1.ns.dns.a.'], ['n1.ns.dns.a. 300 IN A 10.8.8.8']],
    ['web.a. NS', 'NOERROR', []],
    ['nothing.a. A', 'NXDOMAIN', []],
    ['nothing.web.a. A', 'NXDOMAIN', []],
  ]
  for (const [question, rcode, answer, additional = []] of rows)
    it(`${question} is ${rcode} with ${answer.length} records, as in CoreDNS`, async () => {
      const [name, type] = question.split(' ') as [string, string]
      const reply = await site.ask(name, type)
      assert.equal(reply.rcode, rcode)
      assert.deepEqual(reply.answer, [...answer].sort())
      assert.deepEqual(
        reply.additional.filter((line) => !line.startsWith(';')),
        additional,
      )
      assert.ok(reply.flags.includes('aa'))
      const soa = /^a\. 30 IN SOA ns\.dns\.a\. hostmaster\.a\. \d+ 7200 1800 86400 30$/
      assert.equal(
        reply.authority.some((line) => soa.test(line)),
        answer.length === 0,
      )
    })

  it('the SOA record is answered, with the time as its serial', async () => {
    const { answer } = await site.ask('a.', 'SOA')
    assert.match(answer[0] as string, /^a\. 30 IN SOA ns\.dns\.a\. hostmaster\.a\. \d{10} /)
  })

  it('a value that is not a service is logged and left out; a name with nothing else is SERVFAIL', async () => {
    await site.etcd.put('/skydns/a/bad/one', 'not json')
    await until(async () => assert.equal((await site.ask('bad.a.', 'A')).rcode, 'SERVFAIL'))
    assert.ok(site.server.lines.some((line) => line.includes('/skydns/a/bad/one is not a service and is ignored')))
    await site.etcd.put('/skydns/a/bad/two', { host: '10.0.0.3' })
    await site.answers('bad.a. A', ['bad.a. 300 IN A 10.0.0.3'])
    for (const wrong of [
      '[]',
      '"x"',
      '{"port":"80"}',
      '{"ttl":-1}',
      '{"host":"a..b"}',
      '{"port":1e99}',
      '{"mail":1}',
    ]) {
      await site.etcd.put('/skydns/a/bad/two', wrong)
      await site.answers('bad.a. A', [])
      await site.etcd.put('/skydns/a/bad/two', { HOST: '10.0.0.4' })
      await site.answers('bad.a. A', ['bad.a. 300 IN A 10.0.0.4'])
    }
    await site.etcd.remove('/skydns/a/bad/one')
    await site.etcd.remove('/skydns/a/bad/two')
  })
})

describe('keys that are deeper than names', { skip }, () => {
  it('a key of 50,000 segments is left out with a line in the log, listed or watched, and the others are answered', async () => {
    const site = await open(await startEtcd())
    const { etcd } = site
    const deep = (top: string): string => `/skydns/a/${top}${'/x'.repeat(50_000)}`
    try {
      await etcd.put(deep('watched'), { host: '10.0.0.1' })
      await etcd.put('/skydns/a/x', { host: '10.0.0.2' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.2'])
      await etcd.kill()
      await etcd.start()
      await etcd.put('/skydns/a/y', { host: '10.0.0.3' })
      await site.answers('y.a. A', ['y.a. 300 IN A 10.0.0.3'])
      await site.answers('a. A', ['a. 300 IN A 10.0.0.2', 'a. 300 IN A 10.0.0.3'])
      const logged = site.server.lines.filter((line) => line.includes('it has more segments than a name has labels'))
      assert.ok(logged.length >= 2 && logged.every((line) => line.length < 600), logged.join('\n'))
    } finally {
      await site.stop()
    }
  })
})

describe('changes in etcd', { skip }, () => {
  it('a change is in the next answer though cache is in front, and what etcd had stays while it is away', async () => {
    const site = await open(await startEtcd(), () => 'fallthrough', 'cache 3600')
    const { etcd } = site
    try {
      await etcd.put('/skydns/a/x', { host: '10.0.0.1' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
      await etcd.put('/skydns/a/x', { host: '10.0.0.2' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.2'])
      await etcd.remove('/skydns/a/x')
      await site.answers('x.a. A', [])
      await etcd.put('/skydns/a/x', { host: '10.0.0.3' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.3'])

      await etcd.kill()
      await until(async () => assert.equal(await site.server.metric('slicedns_etcd_live{path="/skydns"}'), 0))
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.3'])
      await etcd.start()
      await etcd.put('/skydns/a/x', { host: '10.0.0.4' })
      await etcd.compact()
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.4'])
      assert.equal(await site.server.metric('slicedns_etcd_live{path="/skydns"}'), 1)
    } finally {
      await site.stop()
    }
  })

  it('an etcd that comes back with older data than it had is believed', async () => {
    const site = await open(await startEtcd())
    const { etcd } = site
    try {
      for (let n = 0; n < 5; n++) await etcd.put('/skydns/a/x', { host: `10.0.0.${n}` })
      await etcd.put('/skydns/a/gone', { host: '10.0.0.9' })
      await site.answers('gone.a. A', ['gone.a. 300 IN A 10.0.0.9'])
      await etcd.kill()
      await etcd.start('empty')
      await etcd.put('/skydns/a/x', { host: '10.7.7.7' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.7.7.7'])
      await site.answers('gone.a. A', [])
    } finally {
      await site.stop()
    }
  })

  it('names are SERVFAIL until etcd is reached the first time, and the log says why', async () => {
    const etcd = await startEtcd()
    await etcd.put('/skydns/a/x', { host: '10.0.0.1' })
    await etcd.kill()
    const site = await open(etcd)
    try {
      assert.equal((await site.ask('x.a.', 'A')).rcode, 'SERVFAIL')
      await until(() =>
        assert.ok(site.server.lines.some((line) => /WARNING.*(ECONNREFUSED|connection refused)/.test(line))),
      )
      await etcd.start()
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
    } finally {
      await site.stop()
    }
  })

  it('a reload keeps what it has, and shares it, without a new list', async () => {
    const site = await open(await startEtcd())
    try {
      await site.etcd.put('/skydns/a/x', { host: '10.0.0.1' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
      await site.etcd.kill()
      await site.server.load(`a:${site.server.port} {
  bind 127.0.0.1
  etcd {
    endpoint ${site.etcd.url}
  }
}`)
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
    } finally {
      await site.stop()
    }
  })

  it('a record ends with its lease, and its TTL is what is left, within the bounds', async () => {
    const site = await open(await startEtcd(), () => 'min-lease-ttl 10\n    max-lease-ttl 100')
    const { etcd } = site
    try {
      await etcd.put('/skydns/a/long', { host: '10.0.0.1' }, await etcd.grant(5000))
      await site.answers('long.a. A', ['long.a. 100 IN A 10.0.0.1'])
      await etcd.put('/skydns/a/own', { host: '10.0.0.2', ttl: 20 }, await etcd.grant(5000))
      await site.answers('own.a. A', ['own.a. 20 IN A 10.0.0.2'])
      await etcd.put('/skydns/a/short', { host: '10.0.0.3' }, await etcd.grant(2))
      await site.answers('short.a. A', ['short.a. 10 IN A 10.0.0.3'])
      await site.answers('short.a. A', [])
    } finally {
      await site.stop()
    }
  })

  it('the apex has the addresses below apex.dns alone with no_apex_fallback', async () => {
    const site = await open(await startEtcd(), () => 'no_apex_fallback')
    try {
      await site.etcd.put('/skydns/a/x', { host: '10.0.0.1' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
      assert.equal((await site.ask('a.', 'A')).rcode, 'NXDOMAIN')
      await site.etcd.put('/skydns/a/dns/apex/x', { host: '10.0.0.2' })
      await site.answers('a. A', ['a. 300 IN A 10.0.0.2'])
    } finally {
      await site.stop()
    }
  })
})

describe('access to etcd', { skip }, () => {
  it('a client certificate and the CA of the Corefile are used', async () => {
    const etcd = await startEtcd({ secure: true })
    const site = await open(etcd, ({ folder }) => `tls ${folder}/client.pem ${folder}/client.key ${folder}/ca.pem`)
    try {
      await etcd.put('/skydns/a/x', { host: '10.0.0.1' })
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
    } finally {
      await site.stop()
    }
  })

  it('a CA that is not trusted is named with what to do', async () => {
    const site = await open(await startEtcd({ secure: true }))
    try {
      await until(() => assert.ok(site.server.lines.some((line) => line.includes("name its CA with 'tls'"))))
    } finally {
      await site.stop()
    }
  })

  it('the credentials are used, and a token that etcd has forgotten is renewed', async () => {
    const etcd = await startEtcd()
    await etcd.put('/skydns/a/x', { host: '10.0.0.1' })
    await etcd.requireUser('dns', 'secret')
    const site = await open(etcd, () => 'credentials dns secret')
    try {
      await site.answers('x.a. A', ['x.a. 300 IN A 10.0.0.1'])
      await etcd.kill()
      await etcd.start()
      await until(async () => assert.equal(await site.server.metric('slicedns_etcd_live{path="/skydns"}'), 1))
      assert.ok(site.server.lines.every((line) => !line.includes('secret')))
    } finally {
      await site.stop()
    }
  })

  it('a wrong password is named', async () => {
    const etcd = await startEtcd()
    await etcd.requireUser('dns', 'secret')
    const site = await open(etcd, () => 'credentials dns wrong')
    try {
      await until(() => assert.ok(site.server.lines.some((line) => line.includes('authentication failed'))))
    } finally {
      await site.stop()
    }
  })
})
