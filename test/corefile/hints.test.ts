/** Errors say what was meant: the nearest directive, option or value; a brace that is missing; what to use instead. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkText, findingText } from '../../src/cli/findings.ts'
import { plugins } from '../../src/plugins/index.ts'

/** What `slicedns check` says about lines inside a server block; `|` stands between lines, the first of which is line 2. */
function said(lines: string, lenient = false): readonly string[] {
  const corefile = `. {\n${lines.replaceAll('|', '\n')}\n}\n`
  return checkText(corefile, 'Corefile', plugins, { dnsPort: 53, lenient }).findings.map(findingText)
}

describe('a word that is misspelled', () => {
  const words: readonly (readonly [lines: string, place: string, nearest: string])[] = [
    ['forwrd . 127.0.0.1', '2:1', 'forward'],
    ['kuberntes cluster.local', '2:1', 'kubernetes'],
    ['acl {|blok net *|}', '3:1', 'block'],
    ['acl {|block nett 10.0.0.0/8|}', '3:7', 'net'],
    ['acl {|block type AAA|}', '3:12', 'AAAA'],
    ['autopath @kubernets|kubernetes cluster.local', '2:1', 'kubernetes'],
    ['cache {|sucess 100|}', '3:1', 'success'],
    ['cache {|disable sucess|}', '3:9', 'success'],
    ['cache {|serve_stale 1h imediate|}', '3:16', 'immediate'],
    ['cache {|serve_stale_policy prefer_positve|}', '3:20', 'prefer_positive'],
    ['dns64 {|prefx 64:ff9b::/96|}', '3:1', 'prefix'],
    ['erratic {|dely 1|}', '3:1', 'delay'],
    ['errors stdot', '2:8', 'stdout'],
    ['errors {|consolidate 5m a warnin|}', '3:18', 'warning'],
    ['file db {|relod 5s|}', '3:1', 'reload'],
    ['forward . 127.0.0.1 {|polcy random|}', '3:1', 'policy'],
    ['forward . 127.0.0.1 {|policy sequental|}', '3:8', 'sequential'],
    ['forward . 127.0.0.1 {|health_check 5s no_rek|}', '3:17', 'no_rec'],
    ['forward . 127.0.0.1 {|failover SERVFIAL|}', '3:10', 'SERVFAIL'],
    ['forward . 127.0.0.1 {|doh_method PSOT|}', '3:12', 'POST'],
    ['header {|respons set aa|}', '3:1', 'response'],
    ['header {|response claer aa|}', '3:10', 'clear'],
    ['health {|lameduk 5s|}', '3:1', 'lameduck'],
    ['hosts {|fallthrou|}', '3:1', 'fallthrough'],
    ['hosts {|fallthrough|relaod 5s|}', '4:1', 'reload'],
    ['k8s_external {|apx dns|}|kubernetes cluster.local', '3:1', 'apex'],
    ['kubernetes cluster.local {|pods verifed|}', '3:6', 'verified'],
    ['kubernetes cluster.local {|ignore empty_servce|}', '3:8', 'empty_service'],
    ['loadbalance round_robbin', '2:13', 'round_robin'],
    ['local {|localhost_prefx off|}', '3:1', 'localhost_prefix'],
    ['log {|clas error|}', '3:1', 'class'],
    ['log {|class eror|}', '3:7', 'error'],
    ['prometheus {|runtime_metric|}', '3:1', 'runtime_metrics'],
    ['ready {|monitor continuosly|}', '3:9', 'continuously'],
    ['rewrite nam a b', '2:9', 'name'],
    ['rewrite name exat a b', '2:14', 'exact'],
    ['rewrite name regex a b answr auto', '2:24', 'answer'],
    ['rewrite type AAA A', '2:14', 'AAAA'],
    ['rewrite class INN CH', '2:15', 'IN'],
    ['rewrite edns0 locl set 1 a', '2:15', 'local'],
    ['rewrite edns0 local replac 1 a', '2:21', 'replace'],
    ['rewrite rcode exact a NXDOMIAN NOERROR', '2:23', 'NXDOMAIN'],
    ['siit {|ipv6_prefx 64:ff9b::/96|}', '3:1', 'ipv6_prefix'],
    ['template IN AAA', '2:13', 'AAAA'],
    ["template IN A {|expr nmae() == 'a'|}", '3:6', 'name'],
    ["template IN A {|var host groop('1')|expr hots == 'a'|}", '3:10', 'group'],
    ["template IN A {|var host group('1')|expr hots == 'a'|}", '4:6', 'host'],
    ['template IN A {|answer "{{ prntf .Name }} 60 IN A 192.0.2.1"|}', '3:12', 'printf'],
    ["view a {|expr incdir(client_ip(), '10.0.0.0/8')|}", '3:6', 'incidr'],
    ['template IN A {|anser x|}', '3:1', 'answer'],
    ['template IN A {|rcode NXDOMIAN|}', '3:7', 'NXDOMAIN'],
    ['timeouts {|idel 5s|}', '3:1', 'idle'],
    ['transfer {|t *|}', '3:1', 'to'],
    ['view a {|exp true|}', '3:1', 'expr'],
  ]
  for (const [lines, place, nearest] of words)
    it(`the misspelled word of '${lines}' is named with '${nearest}'`, () => {
      const [first] = said(lines)
      assert.match(first, new RegExp(`^Corefile:${place} - .*did you mean '${nearest}'\\?$`))
    })
})

describe('a brace', () => {
  const braces: readonly (readonly [what: string, lines: string, says: string])[] = [
    [
      'a space that is missing behind a directive',
      'cache{|success 10|}',
      "Corefile:2:1 - Unknown directive 'cache{': a space is missing before '{' (cache {)",
    ],
    [
      'a space that is missing behind an argument',
      'reload 30s{|x|}',
      "Corefile:2:8 - '30s{' is not a duration with units (500ms, 5s, 1h30m) of at least 2s, which 'reload' requires (a space is missing before '{')",
    ],
    [
      'a closing brace that is missing before a directive',
      'cache {|success 10|forward . 127.0.0.1|}',
      "Corefile:4:1 - unknown property 'forward' of cache: it is a directive (is a '}' missing before it? The block opens at Corefile:2:7)",
    ],
    [
      'a closing brace that is missing at the end of the file',
      'cache {|success 10',
      "Corefile:1:3 - warning: '}' is missing: the server block that opens here is not closed",
    ],
    [
      'an opening brace on a line of its own',
      'cache|{|success 10|}',
      "Corefile:3:1 - '{' must be on the line of its directive, after 'cache'",
    ],
    [
      'a block in a block',
      'cache {|success 10 {|denial 10|}|}',
      "Corefile:3:12 - a block inside a block: the first '}' ends both, and what follows counts as another 'cache'",
    ],
    [
      'a closing brace on the line of an option',
      'health {|lameduck 5s }',
      "Corefile:3:13 - Wrong argument count or unexpected line ending after 'lameduck': it takes 1 argument, not 2 ('}' needs a line of its own)",
    ],
  ]
  for (const [what, lines, says] of braces)
    it(`${what} is named as that`, () => {
      assert.ok(said(lines).includes(says), said(lines).join('\n'))
    })
})

describe('a plugin that slicedns does not have', () => {
  const harmless = ['trace', 'pprof', 'quic', 'https3']
  const deciding = ['route53 example.org.:Z1', 'azure group:zone', 'clouddns zone:project', 'nomad', 'geoip a.mmdb']
  for (const line of [...harmless, ...deciding])
    it(`the plugin of '${line}' is named, and what to use instead`, () => {
      const [error, ...others] = said(line)
      assert.match(error, new RegExp(`^Corefile:2:1 - slicedns does not have the plugin '${line.split(' ')[0]}': \\S`))
      assert.deepEqual(others, [])
    })
  for (const line of harmless)
    it(`'${line}' is left out with -lenient-plugins, with a warning: that changes no answer`, () => {
      assert.match(said(line, true)[0], /^Corefile:2:1 - warning: slicedns does not have/)
    })
  for (const line of deciding)
    it(`'${line}' is refused with -lenient-plugins, too: leaving it out changes answers`, () => {
      assert.match(said(line, true)[0], /^Corefile:2:1 - slicedns does not have/)
    })
})

describe('a scheme that slicedns does not serve', () => {
  const keys: readonly (readonly [key: string, place: string, scheme: string])[] = [
    ['https3://.', '1:1', 'https3'],
    ['quic://.:853', '1:1', 'quic'],
    ['dns://. quic://.', '1:9', 'quic'],
    ['a.example, b.example quic://c.example', '1:22', 'quic'],
    ['TLS://.', '1:1', 'tls'],
    ['doh://example.org', '1:1', 'doh'],
    ['http://example.org:53', '1:1', 'http'],
  ]
  for (const [key, place, scheme] of keys)
    it(`a key is refused for its scheme: '${key}'`, () => {
      const { findings } = checkText(`${key} {\nwhoami\n}\n`, 'Corefile', plugins, { dnsPort: 53 })
      const errors = findings.filter(({ severity }) => severity === 'error').map(findingText)
      assert.equal(errors.length, 1)
      assert.match(errors[0], new RegExp(`^Corefile:${place} - .*\\b${scheme}://`))
    })
})
