/** Constant templates reply from the answer table, and reply there what they reply in the chain. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { plugins } from '../../../src/plugins/index.ts'
import { type PluginServer, servePlugins } from '../../support/plugin-server.ts'
import { until } from '../../support/until.ts'

const manifests = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ port: 80 }] }
`

const soa = 'authority "internal.example. 60 IN SOA ns.internal.example. root.example. 1 60 60 60 60"'

describe('a template beside the answer table', () => {
  let directory: string
  const servers: PluginServer[] = []
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'template-'))
    writeFileSync(join(directory, 'cluster.yaml'), manifests)
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(directory, { recursive: true })
  })

  async function serve(directives: string, more = ''): Promise<PluginServer> {
    const cluster = `kubernetes cluster.local in-addr.arpa {\nmanifests ${directory}\nfallthrough in-addr.arpa\n}`
    const server = await servePlugins(plugins, `. {\n${directives}\n${cluster}\nwhoami\n}\n${more}`)
    servers.push(server)
    await server.settled
    // Whatever the templates are, this is the cluster's.
    await until(() => assert.notEqual(server.table('a.web.org.shop.svc.cluster.local. TXT'), 'miss'))
    return server
  }

  const questions = [
    'web.shop.svc.cluster.local. A',
    'web.shop.svc.cluster.local. AAAA',
    'no.shop.svc.cluster.local. AAAA',
    'no.shop.svc.cluster.local. A',
    'a.internal.example. A',
    'a.internal.example. TXT',
    'internal.example. A',
    'b.internal.example. AAAA',
    'c.internal.example. HTTPS',
    '\\;\\"\\(\\.x.internal.example. A',
    'other.org. A',
    'other.org. AAAA',
    '. AAAA',
  ]
  /** By question: T from the table, as in the chain; - left to the chain. */
  const cases: readonly (readonly [directives: string, paths: string])[] = [
    ['', 'TTTT---------'],
    ['template IN AAAA .', 'TTTT---T---TT'],
    ['template ANY AAAA {\nrcode NXDOMAIN\n}', 'TTTT---T---TT'],
    ['template ANY ANY internal.example {\nrcode NXDOMAIN\n}', 'TTTTTTTTTT---'],
    [`template ANY ANY internal.example {\nrcode NXDOMAIN\n${soa}\n}`, 'TTTTTTTTTT---'],
    [`template IN A internal.example {\nanswer "{{ .Name }} 60 IN A 192.0.2.1"\n${soa}\n}`, 'TTTTT-T--T---'],
    ['template IN A internal.example {\nanswer "{{ .Name }} 60 in {{ .Type }} 192.0.2.1"\n}', 'TTTTT-T--T---'],
    ['template IN A internal.example {\nanswer "{{ .Zone }} 60 IN A 192.0.2.1"\n}', 'TTTTT-T--T---'],
    [
      'template IN A {\nmatch ^(a|b)\\.internal\\.example\\.$\nanswer "{{ .Name }} 5 IN A 192.0.2.1" "{{ .Name }} 5 IN A 192.0.2.2"\nfallthrough\n}',
      'TTTTT--------',
    ],
    ['template ANY ANY {\nmatch [.]internal[.]example[.]$\nrcode REFUSED\nfallthrough\n}', 'TTTTTT-TTT---'],
    ['template ANY ANY internal.example {\nmatch ^a\\.\nrcode NXDOMAIN\nfallthrough\n}', 'TTTT---------'],
    ['template ANY ANY internal.example {\nexpr "client_ip() != \'x\'"\nrcode NXDOMAIN\n}', 'TTTT---------'],
    ['template IN A internal.example {\nanswer "{{ .Name }} 5 IN A 192.0.2.{{ .Message.Id }}"\n}', 'TTTT---------'],
    ['template IN A internal.example {\nanswer "{{ .Name }} 5 IN CNAME a.org."\n}', 'TTTT---------'],
    ['template IN A internal.example {\nrcode SERVFAIL\n}', 'TTTT---------'],
    ['template ANY ANY internal.example {\nrcode NXDOMAIN\nederror 15\n}', 'TTTT---------'],
    ['template CH ANY internal.example {\nrcode NXDOMAIN\n}', 'TTTT---------'],
    [
      'template IN A internal.example {\nmatch ^a\nfallthrough\nexpr true\n}\ntemplate ANY ANY internal.example {\nrcode NXDOMAIN\n}',
      'TTTT-T-TT----',
    ],
    [
      'template ANY ANY internal.example {\nmatch ^a\\.internal\\.example\\.$\nrcode NXDOMAIN\n}\ntemplate IN AAAA .',
      'TTTTTT-----TT',
    ],
    ['rewrite name a.internal.example x.org\ntemplate ANY ANY internal.example {\nrcode NXDOMAIN\n}', 'TTTT--TTTT---'],
    ['rewrite name regex ^b[.] x.org\ntemplate ANY ANY internal.example {\nrcode NXDOMAIN\n}', 'TTTTTTT-T----'],
    ['minimal\ntemplate IN AAAA .', 'TTTT---T---TT'],
    [
      `minimal\nheader {\nresponse set ra\n}\ntemplate ANY ANY internal.example {\nrcode NXDOMAIN\n${soa}\n}`,
      'TTTTTTTTTT---',
    ],
    [
      `minimal\nloadbalance\ntemplate IN A internal.example {\nanswer "{{ .Name }} 60 IN A 192.0.2.1"\n${soa}\nadditional "x.org. 1 IN A 192.0.2.9"\n}`,
      'TTTTT-T--T---',
    ],
    ['dns64\ntemplate IN AAAA .', 'T--T---------'],
    ['no_aaaa\ntemplate IN AAAA .', 'TTTT---T---TT'],
    ['template IN AAAA in-addr.arpa', 'TTTT---------'],
  ]
  for (const [directives, paths] of cases)
    it(`a block with '${directives.replaceAll('\n', ' ')}' answers ${paths} from the table, each as the chain does`, async () => {
      const server = await serve(directives)
      const found = questions.map((question) => (server.table(question) === 'miss' ? '-' : 'T'))
      assert.equal(found.join(''), paths)
      for (const question of questions) {
        const fromTable = server.table(question)
        if (fromTable !== 'miss') assert.equal(fromTable, await server.chain(question), question)
      }
    })

  it('a template does not reply in the zone of another server block, nor where a view decides', async () => {
    const whoami = 'whoami\n}\n'
    const view = 'view v {\nexpr do()\n}\n'
    const more = `other.org {\n${whoami}a.b.org {\n${view}${whoami}b.org {\n${whoami}`
    const server = await serve('template IN AAAA .', more)
    for (const name of ['other.org.', 'x.other.org.', 'a.b.org.', 'x.a.b.org.', 'b.org.'])
      assert.equal(server.table(`${name} AAAA`), 'miss', name)
    assert.equal(server.table('x.org. AAAA'), 'NOERROR')
  })

  it('the reply of a template has the name in the case of the question', async () => {
    const server = await serve('template IN A internal.example {\nanswer "{{ .Name }} 60 IN A 192.0.2.1"\n}')
    const reply = 'NOERROR; A.Internal.example. 60 IN A 192.0.2.1'
    assert.equal(server.table('A.Internal.example. A'), reply)
    assert.equal(await server.chain('A.Internal.example. A'), reply)
  })

  it('explain says why the replies of a template are made in the chain', async () => {
    const server = await serve(
      'template IN A svc.cluster.local {\nanswer "{{ .Name }} 5 IN A 192.0.2.{{ .Message.Id }}"\n}',
    )
    const { path, reason } = await server.explained('web.shop.svc.cluster.local. A')
    assert.equal(path, 'chain')
    assert.match(reason, /template: template IN A svc\.cluster\.local: its records depend on the query/)
  })
})
