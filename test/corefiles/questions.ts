/** What is asked of every listener of every Corefile, and of every server block. */
import { serverKeys } from '../../src/corefile/index.ts'
import { loadCorefile } from '../../src/corefile/load.ts'
import { dnsClass, type as rrType } from '../../src/dns/codes.ts'
import { type Ask, ask } from '../conformance/queries.ts'
import { node } from './places.ts'

const { A, AAAA, PTR, SRV, SOA, TXT } = rrType

/** Of the cluster, of the world, and of whatever the Corefiles rewrite, template or list. */
export const everywhere: readonly Ask[] = [
  ask('web.shop.svc.cluster.local.', A),
  ask('web.shop.svc.cluster.local.', AAAA),
  ask('db.shop.svc.cluster.local.', A),
  ask('_http._tcp.web.shop.svc.cluster.local.', SRV),
  ask('missing.shop.svc.cluster.local.', A),
  ask('web.shop.svc.foo.bar.', A),
  ask('web.shop.svc.foo.bar.svc.foo.bar.', A),
  ask('10-244-0-1.shop.pod.cluster.local.', A),
  ask('1.1.96.10.in-addr.arpa.', PTR),
  ask('9.9.9.9.in-addr.arpa.', PTR),
  ask('www.example.net.', A),
  ask('WWW.Example.Net.', AAAA),
  ask('v4only.example.net.', AAAA),
  ask('nx.example.net.', A),
  ask('web.example1.com.', A),
  ask('website.tld.', A),
  ask('foo.example.com.', A),
  ask('www.example.org.', A),
  ask('dns.example.com.', A),
  ask('mcr.microsoft.com.', A),
  ask('host.minikube.internal.', A),
  ask('host.k3d.internal.', A),
  ask('k3d-apps-server-0.', A),
  ask('seed.ingress.local.seed.local.gardener.cloud.', A),
  ask('x.localho.st.', A),
  ask('node1.nodes.vcluster.com.', A),
  ask('web.shop.my.domain.', A),
  ask('authentik.home.macro.network.', A),
  ask('a.b.c.d.internal.cloudapp.net.', A),
  ask('host.reddog.microsoft.com.', A),
  ask('api.ostest.test.metalkube.org.', A),
  ask('x.apps.ostest.test.metalkube.org.', AAAA),
  ask('www.go.home.', A),
  ask('ads.example.net.', A),
  ask('web.shop.k8s_external.local.', A),
  ask('hostname.bind.', TXT, { class: dnsClass.CH }),
]

export interface Listener {
  readonly address: string
  readonly port: number
  /** One for each server block that it serves. */
  readonly questions: readonly Ask[]
}

/** The listeners that the Corefile opens, by ADDRESS:PORT; one for every address is at that of the node. */
export function listenersOf(path: string): Map<string, Listener> {
  const found = new Map<string, Listener>()
  for (const block of loadCorefile(path).blocks) {
    const bind = block.directives.filter(({ word }) => word === 'bind').flatMap(({ args }) => args)
    const addresses = bind.map(({ text }) => text).filter((text) => text !== '0.0.0.0')
    for (const { zones, port } of serverKeys(block.keys))
      for (const address of addresses.length > 0 ? addresses : [node]) {
        const id = `${address}:${port}`
        const own = zones.flatMap((zone) => [
          ask(zone === '.' ? 'probe.example.' : `probe.${zone}`, A),
          ask(zone === '.' ? 'probe.example.' : `a.b.c.${zone}`, AAAA),
          // Its block forwards to the server itself.
          ...(zone === 'doma.lol.' ? [] : [ask(zone, SOA)]),
        ])
        found.set(id, { address, port, questions: [...(found.get(id)?.questions ?? everywhere), ...own] })
      }
  }
  return found
}

/** The same, over both protocols. */
export const overBoth = (asks: readonly Ask[]): Ask[] =>
  asks.flatMap((asked): Ask[] => [asked, { ...asked, over: 'tcp' }])
