/** What a Corefile has beside the cluster leaves the cluster's answers in the table, and they are those of the chain. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { plugins } from '../../src/plugins/index.ts'
import { startApiServer } from '../support/api-server/index.ts'
import { type PluginServer, servePlugins } from '../support/plugin-server.ts'
import { until } from '../support/until.ts'

const manifests = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: dual, namespace: shop }
spec: { clusterIP: 10.96.0.2, clusterIPs: [10.96.0.2, "fd00::2"], ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: pets, namespace: shop }
spec: { clusterIP: None, ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: pets-1, namespace: shop, labels: { kubernetes.io/service-name: pets } }
addressType: IPv4
ports: [{ name: http, port: 80, protocol: TCP }]
endpoints: [{ addresses: [10.1.0.1], conditions: { ready: true } }, { addresses: [10.1.0.2], conditions: { ready: true } }]
`

const service = (name: string, clusterIP: string) => ({
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
})

/** Names of headless services are compiled when they are first asked for SRV: that is not what is shown here. */
const questions = ['A', 'AAAA', 'SRV', 'TXT', 'HTTPS', 'MX']
  .flatMap((type) => [
    `web.shop.svc.cluster.local. ${type}`,
    `dual.shop.svc.cluster.local. ${type}`,
    `_http._tcp.web.shop.svc.cluster.local. ${type}`,
    `www.example.org.shop.svc.cluster.local. ${type}`,
    `www.example.org.svc.cluster.local. ${type}`,
    `www.example.org.cluster.local. ${type}`,
    `api-1.dev.shop.svc.cluster.local. ${type}`,
  ])
  .concat('pets.shop.svc.cluster.local. A', 'pets.shop.svc.cluster.local. AAAA')

/** Directives beside kubeadm's, one block of each, about the whole server block where that is what they are for. */
const beside: Readonly<Record<string, string>> = {
  hosts: 'hosts /nonexistent {\n192.0.2.10 db.corp.example\nfallthrough\n}',
  'rewrite exact': 'rewrite name exact old.corp.example new.corp.example',
  'rewrite suffix': 'rewrite name suffix .legacy.example .corp.example answer auto',
  'rewrite regex': 'rewrite name regex (.*)-(us-west-1)\\.corp\\.example {1}.{2}.corp.example answer auto',
  'rewrite regex with an end': 'rewrite name regex ^(.*)\\.corp\\.example\\.$ {1}.shop.svc.cluster.local answer auto',
  'rewrite prefix': 'rewrite name prefix staging- production-',
  'rewrite substring': 'rewrite name substring .consul. .corp.',
  'rewrite ttl': 'rewrite ttl suffix .corp.example 5',
  'template AAAA': 'template IN AAAA .',
  'template guard': 'template ANY ANY internal.example {\nrcode NXDOMAIN\n}',
  'template pattern': 'template IN A {\nmatch ^ip-[0-9]+\\.\nanswer "{{ .Name }} 60 IN A 192.0.2.1"\nfallthrough\n}',
  acl: 'acl {\nallow net 192.0.2.0/24 10.0.0.0/8\nblock\n}',
  header: 'header {\nresponse set ra\n}',
  any: 'any',
  minimal: 'minimal',
  local: 'local',
  no_aaaa: 'no_aaaa',
  metadata: 'metadata',
  bufsize: 'bufsize 1232',
  nsid: 'nsid here',
}
const view = `view.example {\nview internal {\nexpr "incidr(client_ip(), '10.0.0.0/8')"\n}\nwhoami\n}\n`

describe("the cluster's answers", () => {
  let directory: string
  const servers: PluginServer[] = []
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'fast-path-'))
    writeFileSync(join(directory, 'cluster.yaml'), manifests)
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(directory, { recursive: true })
  })

  const cases = [...Object.entries(beside), ['one of each', Object.values(beside).join('\n')] as const]
  for (const [what, directives] of cases)
    it(`the cluster's answers beside ${what} come from the table, all of them, and are those of the chain`, async () => {
      const server = await servePlugins(
        plugins,
        `. {
          errors
          kubernetes cluster.local in-addr.arpa ip6.arpa {
            manifests ${directory}
            pods insecure
            fallthrough in-addr.arpa ip6.arpa
            ttl 30
          }
          forward . 127.0.0.1:9
          cache 30 {
            disable success cluster.local
            disable denial cluster.local
          }
          loadbalance
          ${directives}
        }\n${view}`,
      )
      servers.push(server)
      const leftToChain = () => questions.filter((question) => server.table(question) === 'miss')
      await until(() => assert.deepEqual(leftToChain(), []))
      for (const question of questions) assert.equal(server.table(question), await server.chain(question), question)
    })

  it('of 8,000 services not one question goes to the chain beside one of each', async (t) => {
    const api = await startApiServer({ transport: 'http' })
    t.after(() => api.stop())
    api.put({ kind: 'Namespace', metadata: { name: 'shop' } })
    const names = Array.from({ length: 8000 }, (_, i) => `s${i}`)
    api.put(...names.map((name, i) => service(name, i % 4 === 0 ? 'None' : `10.96.${i >> 8}.${i & 255}`)))
    const server = await servePlugins(
      plugins,
      `. {
        kubernetes cluster.local {
          endpoint ${api.url}
        }
        ${Object.values(beside).join('\n')}
      }\n${view}`,
    )
    servers.push(server)
    const asked = names.flatMap((name) => [
      `${name}.shop.svc.cluster.local. A`,
      `${name}.shop.svc.cluster.local. AAAA`,
      `${name}.example.org.shop.svc.cluster.local. A`,
    ])
    const missed = () => asked.findLast((question) => server.table(question) === 'miss')
    await until(() => assert.equal(missed(), undefined), { within: 120_000 })
  })

  it('explain names the rules of a question alone, each with its place', async () => {
    const server = await servePlugins(
      plugins,
      `. {
        kubernetes cluster.local {
          manifests ${directory}
        }
        acl {
          block net 10.0.0.0/8
        }
        rewrite name regex ^(web|old)[.]shop x
        template IN MX {
          expr do()
        }
      }`,
    )
    servers.push(server)
    const reasonOf = async (question: string) => (await server.explained(question)).reason
    const kept = 'the plugins answer this type at this name'
    await until(async () =>
      assert.equal(
        await reasonOf('web.shop.svc.cluster.local. A'),
        `${kept}; rewrite: rewrite name regex ^(web|old)[.]shop x (Corefile:8)`,
      ),
    )
    assert.equal(
      await reasonOf('dual.shop.svc.cluster.local. MX'),
      `${kept}; template: template IN MX: its expressions depend on the query (Corefile:9)`,
    )
  })
})
