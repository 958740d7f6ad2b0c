/** What CoreDNS exports slicedns exports: from the first scrape on, and after the same questions with the same counts. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { lookUp } from '../../src/cli/lookup-client.ts'
import { typeNumber } from '../../src/dns/codes.ts'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'
import { type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type NamedServer, startNamed } from './side-by-side.ts'

const objects = [
  { kind: 'Namespace', metadata: { name: 'shop' } },
  {
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'web' },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
  },
]

const zone = `example.org. 60 IN SOA ns.example.org. host.example.org. 1 60 60 60 60
example.org. 60 IN NS ns.example.org.
ns.example.org. 60 IN A 192.0.2.1
www.example.org. 60 IN A 192.0.2.2
`

interface Metered {
  readonly server: NamedServer
  readonly metrics: number
  readonly upstream: ScriptedUpstream
}

/** Places in a Corefile. `own`: what every block has. */
interface Places {
  readonly port: number
  readonly folder: string
  readonly own: string
  readonly health: number
  readonly ready: number
  readonly to: string
  readonly api: string
}

const bare = ({ port, own }: Places): string => `.:${port} {\n  ${own}\n  whoami\n}\n`

/** The plugins of a cluster's Corefile, and blocks with others, each with a different one behind `prometheus`. */
const whole = ({ port, folder, own, health, ready, to, api }: Places): string => `.:${port} {
  ${own}
  errors
  health 127.0.0.1:${health}
  ready 127.0.0.1:${ready}
  kubernetes cluster.local in-addr.arpa {
    endpoint ${api}
    fallthrough in-addr.arpa
  }
  hosts {
    192.0.2.9 host.example
    fallthrough
  }
  template IN A shape.example {
    answer "{{ .Name }} 60 IN A 192.0.2.3"
  }
  acl blocked.example {
    block
  }
  acl filtered.example {
    filter
  }
  rewrite name exact old.example host.example
  forward . ${to} {
    max_concurrent 1000
  }
  cache 30
  loop
  reload
  loadbalance
}
example.org:${port} {
  ${own}
  file ${join(folder, 'zone')}
  cache
}
chaos.example:${port} {
  ${own}
  chaos
  any
  whoami
}
local.example:${port} {
  ${own}
  local
  erratic {
    drop 0
    delay 0
    truncate 0
  }
}
six.example:${port} {
  ${own}
  dns64
  forward . ${to}
}
nothing.example:${port} {
  ${own}
  template IN A other.example {
    rcode NXDOMAIN
  }
}
`

async function start(
  name: NamedServer['name'],
  corefile: (places: Places) => string,
  api: string,
  upstream: ScriptedUpstream,
): Promise<Metered> {
  const [metrics, health, ready] = [await freePort(), await freePort(), await freePort()]
  const own = `bind 127.0.0.1\n  prometheus 127.0.0.1:${metrics}`
  const server = await startNamed(name, (port, folder) => {
    writeFileSync(join(folder, 'zone'), zone)
    return corefile({ port, folder, own, health, ready, to: upstream.to, api })
  })
  return { server, metrics, upstream }
}

const cluster = 'svc.cluster.local'
const questions: readonly string[] = [
  ...['A', 'AAAA', 'SRV', 'TXT'].map((type) => `web.shop.${cluster} ${type}`),
  `_http._tcp.web.shop.${cluster} SRV`,
  `_http._tcp.web.shop.${cluster} A`,
  ...['A', 'AAAA'].map((type) => `missing.shop.${cluster} ${type}`),
  `web.nowhere.${cluster} A`,
  ...['SOA', 'NS', 'A', 'MX'].map((type) => `cluster.local ${type}`),
  'dns-version.cluster.local TXT',
  `www.outside.net.shop.${cluster} A`,
  `www.outside.net.${cluster} A`,
  'www.outside.net.cluster.local A',
  '1.0.96.10.in-addr.arpa PTR',
  '9.0.96.10.in-addr.arpa PTR',
  ...['A', 'AAAA', 'MX'].map((type) => `host.example ${type}`),
  '9.2.0.192.in-addr.arpa PTR',
  ...['A', 'AAAA'].map((type) => `x.shape.example ${type}`),
  ...['A', 'AAAA', 'ANY'].map((type) => `a.blocked.example ${type}`),
  ...['A', 'AAAA'].map((type) => `a.filtered.example ${type}`),
  ...['A', 'AAAA'].map((type) => `old.example ${type}`),
  ...['A', 'A', 'AAAA', 'HTTPS', 'TXT', 'TYPE4711'].map((type) => `www.outside.net ${type}`),
  ...['A', 'AAAA', 'MX', 'RRSIG'].map((type) => `www.example.org ${type}`),
  ...['A', 'AAAA'].map((type) => `missing.example.org ${type}`),
  ...['SOA', 'NS', 'A'].map((type) => `example.org ${type}`),
  ...['A', 'AAAA', 'ANY'].map((type) => `who.chaos.example ${type}`),
  ...['A', 'AAAA'].map((type) => `e.local.example ${type}`),
  ...['A', 'AAAA', 'MX'].map((type) => `six.example ${type}`),
  ...['A', 'AAAA'].map((type) => `no.nothing.example ${type}`),
]

/** Samples by name and labels, without buckets; ports are those of the server. */
async function scrape({ server, metrics, upstream }: Metered): Promise<Map<string, string>> {
  const response = await fetch(`http://127.0.0.1:${metrics}/metrics`)
  const text = (await response.text())
    .replaceAll(String(server.port), 'PORT')
    .replaceAll(upstream.to, 'UPSTREAM')
    .replaceAll(server.folder, 'FOLDER')
  const samples = text.split('\n').flatMap((line) => /^([^#{ ]\S*?(?:\{.*\})?) (\S+)$/.exec(line)?.slice(1) ?? [])
  const pairs = samples.flatMap((text, at) => (at % 2 === 0 ? [[text, samples[at + 1]] as const] : []))
  return new Map(pairs.filter(([series]) => !/_bucket(\{|$)/.test(series)))
}

/**
 * What is not counted here, as docs/differences.md says: replies of `template` and of zone files that the table has, which do not
 * reach `cache`; and every exchange of the chain has a port of its own, so that no socket is used twice.
 */
const uncounted =
  /^coredns_(template_matches_total|cache_(misses|requests)_total\{.*zones="example\.org\."|proxy_conn_cache_hits_total)/

/** Those of Go's runtime, and what differs by its nature: version and configuration. */
const excused = /^(go_|coredns_build_info|coredns_reload_version_info)/

describe('metrics beside CoreDNS', { skip: without('coredns') }, () => {
  let api: ApiServer
  const running: Metered[] = []
  let upstreams: readonly ScriptedUpstream[] = []
  const startBoth = async (corefile: (places: Places) => string): Promise<readonly [Metered, Metered]> => {
    const both = await Promise.all([
      start('slicedns', corefile, api.url, upstreams[0]),
      start('CoreDNS', corefile, api.url, upstreams[1]),
    ])
    running.push(...both)
    return both
  }
  before(async () => {
    api = await startApiServer({ transport: 'http' })
    api.put(...objects)
    upstreams = [await startUpstream(), await startUpstream()]
  })
  after(async () => {
    for (const { server } of running) await server.stop()
    for (const upstream of upstreams) await upstream.close()
    await api?.stop()
  })

  const missing = (mine: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] =>
    [...wanted.keys()].filter((series) => !excused.test(series) && !mine.has(series))

  function startsAlike(mine: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): void {
    assert.deepEqual(missing(mine, wanted), [])
    const zero = [...wanted].filter(([series, value]) => value === '0' && !excused.test(series))
    const other = zero.filter(([series]) => mine.get(series) !== '0')
    assert.deepEqual(other, [])
  }

  it('metrics that a bare CoreDNS exports are there from the start, with its labels and its zeros', async () => {
    const [ours, theirs] = await startBoth(bare)
    startsAlike(await scrape(ours), await scrape(theirs))
  })

  it(`metrics of a whole Corefile are there from the start, and after ${questions.length} questions over twelve plugins they name and count what CoreDNS's do`, async () => {
    const [ours, theirs] = await startBoth(whole)
    // `loop` asks once, and the clusters are read: from here on nothing happens by itself.
    for (const { server, upstream } of [ours, theirs]) {
      await until(() => assert.ok(upstream.arrived.length > 0))
      await until(async () => assert.equal(await asked(server, `web.shop.${cluster} A`), 'NOERROR'))
    }
    startsAlike(await scrape(ours), await scrape(theirs))
    for (const question of questions)
      assert.equal(await asked(ours.server, question), await asked(theirs.server, question), question)
    const [mine, wanted] = [await scrape(ours), await scrape(theirs)]
    const counts = /^coredns_dns_(responses|requests|do_requests)_total/
    const counted = (samples: ReadonlyMap<string, string>): string[] =>
      [...samples].flatMap(([series, value]) => (counts.test(series) ? [`${series} ${value}`] : [])).sort()
    assert.deepEqual(counted(mine), counted(wanted))
    assert.deepEqual(
      missing(mine, wanted).filter((series) => !uncounted.test(series)),
      [],
    )
  })
})

async function asked({ port }: NamedServer, question: string): Promise<string> {
  const [name, type] = question.split(' ')
  const options = { tcp: false, timeout: 10_000, answersOnly: true }
  const server = { address: '127.0.0.1', port }
  return (await lookUp({ name: `${name}.`, type: typeNumber(type)! }, server, options)).rcode
}
