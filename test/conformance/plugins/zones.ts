/** `file`: zones with everything that changes an answer; `transfer` of them is compared as questions over TCP. */
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsNear } from './questions.ts'

export const fileZone = `
$TTL 300
$ORIGIN file.test.
@ 600 IN SOA ns1 admin 2026010100 7200 1800 86400 60
  IN NS ns1
  IN NS ns.other.example.
  IN MX 10 mail
  IN TXT "apex"
ns1 IN A 192.0.2.53
mail IN A 192.0.2.25
     IN AAAA 2001:db8::25
www 60 IN A 192.0.2.1
www 60 IN A 192.0.2.2
WWW IN AAAA 2001:db8::1
alias IN CNAME www
chain 30 IN CNAME alias
out IN CNAME www.up.test.
dangling IN CNAME nosuch
self IN CNAME self
loop1 IN CNAME loop2
loop2 IN CNAME loop1
wildalias IN CNAME x.wild
*.wild IN A 192.0.2.77
*.wild IN TXT "wild"
exact.wild IN A 192.0.2.78
*.deep.ent IN A 192.0.2.79
b.c.ent IN TXT "below an empty name"
*.cn IN CNAME www
sub IN NS ns.sub
sub IN NS ns1
ns.sub IN A 192.0.2.54
ns.sub IN AAAA 2001:db8::54
lame IN NS ns.elsewhere.example.
secure IN NS ns.secure
secure IN DS 1 8 2 aabbccdd
ns.secure IN A 192.0.2.55
dname IN DNAME target
*.target IN A 192.0.2.80
www.target IN A 192.0.2.81
_http._tcp IN SRV 0 5 80 www
_http._tcp IN SRV 1 5 80 out
srv2 IN SRV 0 0 0 .
sip IN NAPTR 1 1 "S" "SIP+D2U" "" _sip._udp
caa IN CAA 0 issue "ca.example"
https IN HTTPS 1 . alpn=h2
svcb IN SVCB 2 www port=53
hinfo IN HINFO "cpu" "os"
big IN TXT "${'a'.repeat(200)}" "${'b'.repeat(200)}" "${'c'.repeat(200)}"
\\*star IN A 192.0.2.90
sp\\032ace IN A 192.0.2.91
${Array.from({ length: 40 }, (_, n) => `many IN A 203.0.113.${n}`).join('\n')}
`

const left = [
  'www',
  'alias',
  'chain',
  'out',
  'dangling',
  'self',
  'loop1',
  'wildalias',
  'x.wild',
  'a.b.wild',
  'exact.wild',
]
  .concat(['x.deep.ent', 'c.ent', 'b.c.ent', 'x.cn', 'a.sub', 'sub', 'ns.sub', 'lame', 'secure', 'www.dname', 'dname'])
  .concat([
    'x.target',
    '_http._tcp',
    'srv2',
    'sip',
    'caa',
    'https',
    'svcb',
    'hinfo',
    'big',
    'many',
    'nosuch',
    '\\*star',
  ])

export const fileNames = ['file.test.', ...left.map((labels) => `${labels}.file.test.`), 'www.up.test.', 'other.test.']

const configuration = (name: string, key: string, ...lines: readonly string[]): PluginConfiguration => ({
  name,
  files: { 'db.file': fileZone },
  corefile: ({ port, upstream, folder }) =>
    server(
      `${key}:${port}`,
      'errors',
      ...lines.map((line) => line.replace('DB', `${folder}/db.file`)),
      `forward . ${upstream}`,
    ),
  questions: () => questionsNear(fileNames, { seed: name, limit: 7_000 }),
})

export const zones: readonly PluginConfiguration[] = [
  configuration('file', '.', 'file DB file.test'),
  configuration('file-fallthrough', '.', directive('file DB file.test', 'fallthrough', 'reload 0'), 'loadbalance'),
  configuration(
    'file-transfer',
    'file.test',
    directive('file DB', 'fallthrough wild.file.test', 'reload_by_mtime'),
    directive('transfer', 'to *'),
  ),
  configuration('file-minimal', '.', 'file DB file.test', 'minimal', 'any', 'loadbalance'),
  configuration(
    'file-cache',
    '.',
    'cache 3600',
    'file DB file.test',
    directive('template IN A out.test', 'rcode NXDOMAIN'),
  ),
]
