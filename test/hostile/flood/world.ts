/** What the flooded server knows: the cluster, the zones and the Corefile whose answers model.c gives. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endpoint, service, slice } from '../../attacks/objects.ts'
import type { KubeObject } from '../../support/api-server/encode.ts'
import type { ApiServer } from '../../support/api-server/index.ts'
import type { Ports } from '../../support/server.ts'
import type { RelayedPorts } from './relay.ts'

const namespaces = 8
const clusterIps = 32
const headless = 8
const endpoints = 3
const splits = 2

const range = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

const named = (address: string, hostname: string): KubeObject => ({
  addresses: [address],
  hostname,
  conditions: { ready: true },
})

export function floodedCluster(): KubeObject[] {
  return range(namespaces, (n) => {
    const namespace = `n${n}`
    return [
      { kind: 'Namespace', metadata: { name: namespace } },
      ...range(clusterIps, (i) =>
        service(namespace, `s${i}`, {
          clusterIP: `10.96.${n}.${i}`,
          ...(i % 8 === 1 && { annotations: { 'slicedns.io/ttl': '7' } }),
        }),
      ),
      // Backends of the splits: one without an endpoint has no share.
      ...range(2, (i) => slice(namespace, `s${i}`, { endpoints: [endpoint(256 * n + i)] })),
      ...range(headless, (i) => [
        service(namespace, `h${i}`),
        slice(namespace, `h${i}`, {
          endpoints: range(endpoints, (e) => named(`10.244.${n}.${i * 4 + e}`, `p${e}`)),
        }),
      ]).flat(),
      ...range(splits, (i) =>
        service(namespace, `sp${i}`, {
          clusterIP: `10.96.${n}.${200 + i}`,
          annotations: { 'slicedns.io/split': 's0=90,s1=10' },
        }),
      ),
      service(namespace, 'held', { annotations: { 'slicedns.io/hold': '20ms' } }),
      slice(namespace, 'held', { endpoints: [named(`10.244.${n}.250`, 'held-0'), endpoint(n)] }),
    ]
  }).flat()
}

const zoneText = `$ORIGIN zone.test.
@ 60 IN SOA ns.zone.test. admin.zone.test. 7 3600 600 86400 30
@ 60 IN NS ns
ns 60 IN A 198.51.100.250
alias 60 IN CNAME r1
loop 60 IN CNAME loop
*.wild 60 IN A 198.51.100.251
sub 60 IN NS ns.sub
ns.sub 60 IN A 198.51.100.252
${range(64, (i) => `r${i} 60 IN A 198.51.100.${i}`).join('\n')}
`

export interface Surroundings {
  readonly api: ApiServer
  /** Port of the upstream on loopback. */
  readonly upstream: number
  /** Undefined: it listens in the clear alone. */
  readonly secure?: Secure | undefined
}

/** Where it listens for DNS over TLS, HTTPS and gRPC; the folder has server.pem and server.key. */
export interface Secure {
  readonly ports: RelayedPorts
  readonly certificates: string
}

/** Written for both servers: what CoreDNS lacks are annotations. Zone files are in `folder`. */
export function floodedCorefile({ api, upstream, secure }: Surroundings, folder: string) {
  mkdirSync(folder, { recursive: true })
  const zone = join(folder, 'zone.test.db')
  writeFileSync(zone, zoneText)
  const tls = secure ? `\n    tls ${secure.certificates}/server.pem ${secure.certificates}/server.key` : ''
  // The flood itself may be late on a busy machine.
  const listen = `bind 127.0.0.1 ::1\n    errors\n    timeouts {\n        read 60s\n        write 60s\n        idle 60s\n    }${tls}`
  const zoneAt = (of: string, dns: number) => {
    const { dot, https, grpc } = secure?.ports ?? {}
    return [
      `${of}:${dns}`,
      ...(secure ? [`tls://${of}:${dot}`, `https://${of}:${https}`, `grpc://${of}:${grpc}`] : []),
    ].join(' ')
  }
  return ({ dns, health, ready, metrics }: Ports): string => `${zoneAt('.', dns)} {
    ${listen}
    health 127.0.0.1:${health}
    ready 127.0.0.1:${ready}
    prometheus 127.0.0.1:${metrics}
    nsid flooded
    bufsize 1232
    multisocket 2
    acl {
        block net 127.66.0.0/16
        drop net 127.77.0.0/16
        filter net 127.88.0.0/16
    }
    rewrite stop name regex old-(\\d+)\\.rw\\.test s{1}.n0.svc.cluster.local answer auto
    template IN A tmpl.test {
        match ^ip-(\\d+)-(\\d+)-(\\d+)-(\\d+)\\.tmpl\\.test\\.$
        answer "{{ .Name }} 60 IN A {{ index .Match 1 }}.{{ index .Match 2 }}.{{ index .Match 3 }}.{{ index .Match 4 }}"
        fallthrough
    }
    hosts {
${range(64, (i) => `        192.0.2.${i} h${i}.hosts.test`).join('\n')}
        fallthrough
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${api.kubeconfig()} test
        pods insecure
        endpoint_pod_names
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    file ${zone} zone.test
    forward . 127.0.0.1:${upstream}
    cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }
    loadbalance
}
${zoneAt('v4only.test', dns)} {
    ${listen}
    bufsize 1232
    dns64 {
        allow_ipv4
    }
    forward . 127.0.0.1:${upstream}
}
${zoneAt('view.test', dns)} {
    ${listen}
    view near {
        expr incidr(client_ip(), '127.99.0.0/16')
    }
    bufsize 1232
    template IN A view.test {
        answer "{{ .Name }} 60 IN A 192.0.2.1"
    }
}
${zoneAt('view.test', dns)} {
    ${listen}
    bufsize 1232
    template IN A view.test {
        answer "{{ .Name }} 60 IN A 192.0.2.2"
    }
}
`
}
