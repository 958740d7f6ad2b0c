import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { forward } from '../../../src/plugins/forward/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'schemas-'))
after(() => rmSync(folder, { recursive: true }))
const full = join(folder, 'resolv.conf')
const empty = join(folder, 'empty.conf')
writeFileSync(full, 'nameserver 127.0.0.9\n')
writeFileSync(empty, 'search example.org\n')

const servers = (count: number): string => Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}`).join(' ')

specifySchema(forward, {
  accepted: [
    'forward . 127.0.0.9 {|}',
    'forward . 127.0.0.9:0 127.0.0.9: [::1]:53 [::1] ::1',
    'forward . fe80::1%lo [fe80::1%lo]:53',
    'forward . dns://127.0.0.9 tls://127.0.0.9 https://127.0.0.9',
    'forward . tls://127.0.0.9%a.b tls://127.0.0.9:853%a.b tls://127.0.0.9%a.b:853 tls://[::1%a.b]:853',
    'forward 10.0.0.0/9 127.0.0.9',
    'forward . 127.0.0.9 127.0.0.9',
    'forward . localhost localhost:53',
    `forward . ${servers(15)}`,
    `forward . ${full}`,
    `forward . ${empty} 127.0.0.9`,
    'forward . 127.0.0.9|forward . 127.0.0.8',
    'forward . 127.0.0.9 {|except a b|except a..b|}',
    'forward . 127.0.0.9 {|force_tcp|prefer_udp|}',
    'forward . 127.0.0.9 {|expire 0|max_age 20s|max_idle_conns 5|read_timeout 1s|}',
    'forward . 127.0.0.9 {|max_fails 0|max_connect_attempts 0|max_concurrent 0|}',
    'forward . 127.0.0.9 {|health_check 0|health_check 1s no_rec domain a.b|}',
    'forward . 127.0.0.9 {|policy random|policy round_robin|policy sequential|}',
    'forward . 127.0.0.9 {|tls|tls_servername a|}',
    'forward . 127.0.0.9 {|next nxdomain SERVFAIL NOERROR|next_on_nodata|}',
    'forward . 127.0.0.9 {|failover servfail|failfast_all_unhealthy_upstreams|}',
    'forward . 127.0.0.9 {|doh_method GET|source_address 127.0.0.1|resolver 1.1.1.1:53 ::1|}',
  ],
  refused: [
    ['forward', /^Corefile:2:1 - Wrong argument count/],
    ['forward .', /^Corefile:2:1 - Wrong argument count/],
    ['forward a..b 127.0.0.9', /^Corefile:2:9 - 'a\.\.b' is not a zone/],
    ['forward . a..b', /^Corefile:2:11 - 'a\.\.b' is not an IP address, a file like/],
    ['forward . 300.1.1.1', /^Corefile:2:11 - '300\.1\.1\.1' is not an IP address/],
    ['forward . grpc://127.0.0.9', /^Corefile:2:11 - forward does not support grpc:/],
    ['forward . https://127.0.0.9/dns-query', /no such file or directory/],
    ['forward . /no/such/file', /^Corefile:2:1 - .*open \/no\/such\/file: no such file or directory/],
    [`forward . ${empty}`, /^Corefile:2:1 - .*forward has no upstream/],
    [`forward . ${servers(16)}`, /^Corefile:2:167 - more than 15 TOs configured: 16/],
    ['forward . tls://127.0.0.9%x.y {|tls_servername a|}', /^Corefile:2:11 - 'tls_servername' cannot be used together/],
    ['forward . 127.0.0.9 {|except|}', /^Corefile:3:1 - Wrong argument count/],
    ['forward . 127.0.0.9 {|force_tcp x|}', /^Corefile:3:11 - Wrong argument count/],
    ['forward . 127.0.0.9 {|expire 5|}', /^Corefile:3:8 - '5' is not a duration/],
    ['forward . 127.0.0.9 {|expire 5s 6s|}', /^Corefile:3:11 - unknown property '6s'/],
    ['forward . 127.0.0.9 {|max_age 5s|}', /max_age \(5000 ms\) must not be less than expire \(10000 ms\)/],
    ['forward . 127.0.0.9 {|read_timeout 0|}', /^Corefile:3:14 - '0' is not a duration above zero/],
    ['forward . 127.0.0.9 {|max_fails -1|}', /^Corefile:3:11 - '-1' is not an integer/],
    ['forward . 127.0.0.9 {|health_check 1s foo|}', /^Corefile:3:17 - health_check takes 'no_rec'/],
    ['forward . 127.0.0.9 {|health_check 1s domain|}', /^Corefile:3:17 - health_check takes/],
    ['forward . 127.0.0.9 {|health_check 1s domain a..b|}', /^Corefile:3:24 - health_check: "a\.\.b\."/],
    ['forward . 127.0.0.9 {|policy Random|}', /^Corefile:3:8 - 'Random' is not one of 'random'/],
    ['forward . 127.0.0.9 {|tls /no/cert /no/key|}', /tls: open \/no\/cert: no such file or directory/],
    ['forward . 127.0.0.9 {|tls /usr /no/key|}', /tls: read \/usr: is a directory/],
    ['forward . /usr', /^Corefile:2:1 - .*read \/usr: is a directory/],
    ['forward . 127.0.0.9 {|tls a b c d|}', /^Corefile:3:11 - Wrong argument count/],
    ['forward . 127.0.0.9 {|next FOO|}', /^Corefile:3:6 - 'FOO' is not a response code/],
    ['forward . 127.0.0.9 {|failover NOERROR|}', /^Corefile:3:10 - failover cannot include NOERROR/],
    ['forward . 127.0.0.9 {|doh_method get|}', /^Corefile:3:12 - 'get' is not one of 'GET', 'POST'/],
    ['forward . 127.0.0.9 {|resolver x|}', /^Corefile:3:10 - 'x' is not an IP address/],
    [
      'forward . 127.0.0.9 {|max_fail 1|}',
      /^Corefile:3:1 - unknown property 'max_fail' of forward.*did you mean 'max_fails'/,
    ],
  ],
})
