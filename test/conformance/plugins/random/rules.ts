/** Random directives of each plugin, over its whole set of options. */
import { isSubdomain } from '../../../../src/dns/name.ts'
import { type Directive, folderPlace } from './draft.ts'
import type { Words } from './words.ts'

const line = (text: string, body: readonly string[] = []): Directive => ({ line: text, body })

export function hosts(words: Words): Directive[] {
  const { random, name, zone, perhaps, some } = words
  const owner = () => {
    const text = name()
    return random.chance(0.2) ? `*.${text}` : random.chance(0.1) ? text.toUpperCase() : text
  }
  const entries = some(6, () => {
    const address = random.chance(0.1) ? 'no-address' : random.chance(0.5) ? words.ip4() : words.ip6()
    return `${address} ${some(3, owner).join(' ')}`
  })
  const through = random.chance(0.7) ? [`fallthrough ${perhaps(0.3, ...some(2, zone)).join(' ')}`.trim()] : []
  return [
    line(`hosts /dev/null ${perhaps(0.3, ...some(2, zone)).join(' ')}`.trim(), [
      ...entries,
      ...perhaps(0.3, `ttl ${random.pick([1, 60, 65_535])}`),
      ...perhaps(0.2, 'no_reverse'),
      ...through,
      ...(through.length > 0 ? perhaps(0.3, 'fallthrough_unsupported') : []),
    ]),
  ]
}

const patterns = [
  '(.*)\\.r\\.test\\.?$',
  '^([a-z]+)\\.(.*)$',
  '^(.*)\\.(up|echo)\\.test\\.$',
  '(.+)-(.+)\\.up\\.test',
  '^x.*(b|test)\\.$',
  '(?i)^(MIXED|www)\\.(.*)',
  '^([^.]*)\\.([^.]*)\\.',
  '(.*)',
  'a(b?)\\.(.*)',
  '^(?P<one>[a-z_-]+)[.](?P<two>.*)[.]$',
]
/** Patterns without and with one group, for TO. */
const targets = ['fixed.up.test', '{1}.up.test', '{1}.{2}', '{2}.{1}.echo.test', '{1}', 'x.{1}', '{0}', 'a-{1}.r.test.']

export function rewrite(words: Words): Directive[] {
  const { random } = words
  const rules = [nameRule, nameRule, nameRule, nameRule, typeRule, ttlRule, rcodeRule, ednsRule, cnameRule]
  const count = 1 + random.below(5)
  return Array.from({ length: count }, () =>
    line(`rewrite ${random.pick(['', 'continue ', 'stop '])}${random.pick(rules)(words)}`),
  )
}

function nameRule(words: Words): string {
  const { random, name, zone, label } = words
  const auto = random.chance(0.4) ? ' answer auto' : ''
  switch (random.below(5)) {
    case 0:
      return `name exact ${name()} ${name()}${random.chance(0.3) ? answers(words) : ''}`
    case 1:
      return `name prefix ${label()} ${label()}${auto}`
    case 2:
      return `name suffix ${random.pick(['.', ''])}${zone()} ${random.pick(['.', ''])}${zone()}${auto}`
    case 3:
      return `name substring ${random.pick([label(), '.b', 'test'])} ${label()}${auto}`
    default: {
      const pattern = random.pick(patterns)
      return `name regex ${pattern} ${targetFor(words, pattern)}${random.chance(0.5) ? answers(words) : ''}`
    }
  }
}

function targetFor({ random }: Words, pattern: string): string {
  const groups = (pattern.match(/\((?!\?i)/g) ?? []).length
  return random.pick(
    targets.filter(
      (target) => (target.match(/\{\d\}/g) ?? []).length <= groups && (groups > 1 || !target.includes('{2}')),
    ),
  )
}

function answers(words: Words): string {
  const { random } = words
  if (random.chance(0.4)) return ' answer auto'
  const some = words.some(2, () => {
    const pattern = random.pick(patterns)
    return `answer ${random.pick(['name', 'value'])} ${pattern} ${targetFor(words, pattern)}`
  })
  return ` ${some.join(' ')}`
}

function typeRule({ random, type }: Words): string {
  return random.chance(0.7) ? `type ${type()} ${type()}` : `class ${random.pick(['CH IN', 'IN CH', 'ANY IN', 'HS IN'])}`
}

const matching = (words: Words): string => {
  const { random, name, zone, label } = words
  return random.pick([
    () => name(),
    () => `exact ${name()}`,
    () => `prefix ${label()}`,
    () => `suffix ${zone()}`,
    () => `substring ${label()}`,
    () => `regex ${random.pick(patterns)}`,
  ])()
}

const ttlRule = (words: Words): string =>
  `ttl ${matching(words)} ${words.random.pick(['0', '30', '5-50', '-40', '100-', '86400'])}`

const rcodeRule = (words: Words): string =>
  `rcode ${matching(words)} ${words.random.pick(['NXDOMAIN NOERROR', 'SERVFAIL NXDOMAIN', 'NOERROR REFUSED', 'REFUSED SERVFAIL'])}`

function ednsRule({ random, perhaps }: Words): string {
  const action = random.pick(['set', 'append', 'replace'])
  const revert = perhaps(0.3, ' revert').join('')
  return random.pick([
    () => `edns0 nsid ${action}${revert}`,
    () => `edns0 subnet ${action} ${random.pick(['24 56', '0 0', '32 128', '13 21'])}${revert}`,
    () =>
      `edns0 local ${action} ${random.pick(['0xffee', '65001', '5'])} ${random.pick(['0x0102', 'text', '{qname}', '{qtype}', '{client_ip}'])}${revert}`,
    () => `edns0 local unset ${random.pick(['0xffee', '65001'])}`,
    () => `edns0 ${random.pick(['nsid', 'subnet'])} unset`,
  ])()
}

function cnameRule(words: Words): string {
  const { random, name, zone, label } = words
  return random.pick([
    () => `cname exact www.up.test. ${name()}.`,
    () => `cname suffix .${zone()}. .${zone()}.`,
    () => `cname prefix ${label()} ${label()}`,
    () => `cname regex ${random.pick(patterns)} {0}`,
  ])()
}

const aliasTarget = 'www.up.test.'
const records = [
  '{{ .Name }} 60 IN A 192.0.2.7',
  '{{ .Name }} IN AAAA 2001:db8::7',
  '{{ .Name }} 5 IN TXT {{ .Type }} {{ .Class }} {{ .Zone }}',
  '{{ .Name }} 5 IN TXT \\"{{ .Question.Name }}\\" {{ len .Match }}',
  `{{ .Name }} 9 IN CNAME ${aliasTarget}`,
  '{{ index .Match 0 }} 9 IN MX 10 mail.{{ .Zone }}',
  '{{ .Name }} 7 IN SRV 1 2 3 {{ .Name }}',
  '{{ .Name }} 7 IN TXT {{ if eq .Type \\"TXT\\" }}yes{{ else }}no{{ end }}',
  'fixed.test. 7 IN NS ns.fixed.test.',
]
const soa = 'r.test. 60 IN SOA ns.r.test. a.r.test. 1 2 3 4 5'

export function template(words: Words): Directive[] {
  return Array.from({ length: 1 + words.random.below(3) }, () => oneTemplate(words))
}

function oneTemplate(words: Words): Directive {
  const { random, perhaps, some, zone, type } = words
  const zones = perhaps(0.6, ...some(2, zone))
  // CoreDNS follows an alias that leads back into its template without end, and takes all of the machine's memory for it.
  const leadsBack = zones.length === 0 || zones.some((each) => isSubdomain(`${each}.`, aliasTarget))
  const possible = leadsBack ? records.filter((record) => !record.includes('CNAME')) : records
  const key = `template ${random.pick(['IN', 'IN', 'ANY', 'CH'])} ${type()} ${zones.join(' ')}`
  return line(key.trim(), [
    ...perhaps(0.6, ...some(2, () => `match ${random.pick(patterns)}`)),
    ...perhaps(0.15, `var n "len(name())"`),
    ...perhaps(0.3, `expr "${expression(words)}"`),
    ...perhaps(0.8, ...some(2, () => `answer "${random.pick(possible)}"`)),
    ...perhaps(0.2, `additional "${random.pick(records.filter((record) => !record.includes('CNAME')))}"`),
    ...perhaps(0.3, `authority "${soa}"`),
    ...perhaps(0.3, `rcode ${random.pick(['NOERROR', 'NXDOMAIN', 'REFUSED', 'SERVFAIL', 'NOTIMP'])}`),
    ...perhaps(0.2, `ederror ${random.pick([3, 15, 18])} "some reason"`),
    ...perhaps(0.6, `fallthrough ${perhaps(0.3, ...some(2, zone)).join(' ')}`.trim()),
  ])
}

/** A condition of `view` and `template`; true, false, or no boolean at all. */
export function expression(words: Words, depth = 0): string {
  const { random, name, label, zone, type } = words
  if (depth < 2 && random.chance(0.4)) {
    const [left, right] = [expression(words, depth + 1), expression(words, depth + 1)]
    return random.pick([
      `(${left}) && (${right})`,
      `(${left}) or (${right})`,
      `not (${left})`,
      `(${left}) ? (${right}) : true`,
    ])
  }
  return random.pick([
    () => `name() == '${name()}.'`,
    () => `name() ${random.pick(['startsWith', 'endsWith', 'contains'])} '${random.pick([label(), zone()])}'`,
    () => `name() matches '^[a-m]'`,
    () => `type() in ['${type()}', '${type()}']`,
    () => `class() == 'IN'`,
    () => `incidr(client_ip(), '${random.pick(['127.0.0.0/31', '127.7.0.0/16', '::/0', '10.0.0.0/8'])}')`,
    () => `client_ip() == '${random.pick(clientsOf)}'`,
    () => `proto() == '${random.pick(['udp', 'tcp'])}'`,
    () => `bufsize() ${random.pick(['<', '>=', '=='])} ${random.pick([512, 1232, 4096])}`,
    () => `size() > ${random.pick([30, 45, 60])}`,
    () => 'do()',
    () => `len(split(name(), '.')) ${random.pick(['>', '<=', '!='])} ${random.pick([3, 4])}`,
    () => `upper(name()) contains 'X'`,
    () => `opcode() == 0`,
    () => `metadata('view/name') == ''`,
    () => `any(split(name(), '.'), {# == '${label().toLowerCase()}'})`,
    () => '1 + 1',
    () => `int('x') > 1`,
  ])()
}

const clientsOf = ['127.0.0.1', '127.0.0.2', '::1']

export function acl(words: Words): Directive[] {
  const { random, perhaps, some, zone, type, network } = words
  return Array.from({ length: 1 + random.below(2) }, () =>
    line(
      `acl ${perhaps(0.6, ...some(2, zone)).join(' ')}`.trim(),
      Array.from({ length: 1 + random.below(4) }, () =>
        [
          random.pick(['allow', 'block', 'filter', 'allow', 'block', 'filter', 'block', 'drop']),
          ...perhaps(0.6, 'type', ...some(3, type)),
          ...perhaps(0.6, 'net', ...some(2, network)),
        ].join(' '),
      ),
    ),
  )
}

const flags = ({ random }: Words) => random.pick(['aa', 'ra', 'rd', 'aa ra', 'rd ra'])

const dns64 = ({ random, perhaps }: Words): Directive =>
  line('dns64', [
    ...perhaps(0.7, 'allow_ipv4'),
    ...perhaps(0.3, 'translate_all'),
    ...perhaps(0.5, `prefix ${random.pick(['64:ff9b::/96', '2001:db8::/32', '2001:db8:1:2::/64'])}`),
    'allow_ipv4',
  ])

const siit = ({ random, perhaps }: Words): Directive =>
  line('siit', [
    ...perhaps(0.4, `ipv6_prefix ${random.pick(['2001:db8::/32', '64:ff9b::/96'])}`),
    ...perhaps(0.6, 'eam 198.51.100.1 2001:db8::1'),
  ])

const cache = ({ random, perhaps, some, zone, ttl }: Words): Directive =>
  line(`cache ${random.pick(['', '30', '300'])} ${perhaps(0.2, ...some(2, zone)).join(' ')}`.trim(), [
    ...perhaps(0.2, `success 9984 ${ttl() + 10} 5`),
    ...perhaps(0.2, `denial 9984 ${ttl() + 10} 5`),
    ...perhaps(0.2, `disable ${random.pick(['success', 'denial'])} ${zone()}`),
    'servfail 5s',
  ])

/** One or two words each. */
export const simple: readonly ((words: Words) => Directive)[] = [
  () => line('any'),
  () => line('minimal'),
  () => line('nsid some where'),
  () => line('chaos v1 someone'),
  () => line('loadbalance'),
  () => line('metadata'),
  ({ random }) => line(`bufsize ${random.pick([512, 600, 4096])}`),
  ({ random }) => line('local', [`localhost_prefix ${random.pick(['on', 'off'])}`]),
  (words) =>
    line(
      'header',
      words.some(
        3,
        () => `${words.random.pick(['query', 'response'])} ${words.random.pick(['set', 'clear'])} ${flags(words)}`,
      ),
    ),
  (words) =>
    line(`autopath ${words.perhaps(0.4, words.zone()).join(' ')} ${folderPlace}/resolv.conf`.replaceAll('  ', ' ')),
  dns64,
  siit,
  cache,
]
