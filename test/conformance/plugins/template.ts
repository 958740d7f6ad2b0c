import { directive, type PluginConfiguration, server } from './configuration.ts'
import { type About, questionsNear } from './questions.ts'

const configuration = (
  name: string,
  lines: readonly string[],
  names: readonly string[],
  about: About = {},
): PluginConfiguration => ({
  name,
  corefile: ({ port, upstream }) =>
    server(`.:${port}`, 'errors', ...lines.map((line) => line.replace('UPSTREAM', upstream))),
  questions: () => questionsNear(names, { seed: name, limit: 6_000, ...about }),
})

export const template: readonly PluginConfiguration[] = [
  configuration(
    'template',
    [
      directive(
        'template IN A ip.test',
        'match ^ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-([0-9]*)-([0-9]*)[.]ip[.]test[.]$',
        'answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ index .Match 3 }}.{{ index .Group \\"4\\" }}"',
        'additional "extra.ip.test 5 IN TXT \\"{{ .Zone }} {{ .Type }} {{ .Class }}\\""',
        'authority "ip.test. 30 IN NS ns.ip.test."',
        'fallthrough',
      ),
      directive(
        'template IN AAAA',
        'rcode NOERROR',
        'authority "{{ .Zone }} 60 SOA ns.{{ .Zone }} a.b. (1 60 60 60 60)"',
      ),
      directive(
        'template IN TXT say.test other.test',
        'match ^(?P<word>[a-z]+)\\.(.*)$',
        'answer "{{ .Name }} 0 IN TXT {{ .Group.word }} {{ .Question.Name }} {{ .Question.Qtype }} {{ .Question.Qclass }} {{ .Message.Opcode }} {{ .Remote }}"',
        'fallthrough other.test',
      ),
      directive(
        'template IN MX',
        'answer "{{ .Name }} MX 10 mail.{{ .Name }}"',
        'additional "mail.{{ .Name }} A 192.0.2.1"',
      ),
      directive(
        'template ANY HTTPS',
        'rcode NXDOMAIN',
        'ederror 15 "not here"',
        'authority "test. 9 SOA a. b. 1 2 3 4 5"',
      ),
      directive('template IN SRV', 'rcode SERVFAIL', 'answer "{{ .Name }} 60 IN A 192.0.2.1"'),
      directive('template CH TXT', 'answer "{{ .Name }} 0 CH TXT chaos"'),
      directive(
        'template IN ANY wide.test',
        'match nosuch',
        'match ^x',
        'answer "{{ .Name }} 1 IN CNAME {{ .Match }}.test."',
        'fallthrough',
      ),
      directive('template ANY ANY block.test', 'rcode REFUSED', 'ederror 18'),
      directive('template IN CNAME', 'answer "{{ .Name }} 60 IN CNAME {{ len .Name | printf \\"%03d\\" }}.up.test."'),
      directive('template IN NS broken.test', 'answer "{{ .Name }} 60 IN NS"'),
      directive('template IN PTR broken.test', 'answer "{{ index .Match 7 }} 60 IN PTR x."'),
      'forward . UPSTREAM',
    ],
    [
      'ip-10-0-0-1.ip.test.',
      'ip-300-0-0-1.ip.test.',
      'ip-1-2-3.ip.test.',
      'hello.say.test.',
      'hello.other.test.',
      'x.wide.test.',
      'nosuch.wide.test.',
      'y.wide.test.',
      'a.block.test.',
      'a.broken.test.',
      'www.up.test.',
      '.',
      'say.test.',
    ],
    { clients: ['127.0.0.7', '::1'] },
  ),
  configuration(
    'template-upstream',
    [
      directive(
        'template IN A cname.test',
        'match ^([a-z]+)\\.cname\\.test\\.$',
        'answer "{{ .Name }} 60 IN CNAME {{ index .Match 1 }}.up.test."',
      ),
      directive(
        'template IN AAAA cname.test',
        'answer "{{ .Name }} 60 IN CNAME {{ if eq .Name \\"two.cname.test.\\" }}www.up.test.{{ else }}two.cname.test.{{ end }}"',
      ),
      directive('template IN TXT cname.test', 'answer "{{ .Name }} 60 IN CNAME www.up.test."'),
      'forward . UPSTREAM',
    ],
    [
      'www.cname.test.',
      'alias.cname.test.',
      'nosuch.cname.test.',
      'servfail.cname.test.',
      'many.cname.test.',
      'self.cname.test.',
    ].concat(['loop.cname.test.', 'text.cname.test.', 'void.cname.test.']),
  ),
  configuration(
    'template-expressions',
    [
      directive(
        'template IN A var.test',
        'match ^(?P<word>[a-z0-9-]+)\\.var\\.test\\.$',
        `var octets "len(group('word'))"`,
        'var double "octets * 2"',
        'expr "octets > 2 && double < 30"',
        "expr \"type() == 'A' and incidr(client_ip(), '127.0.0.0/30')\"",
        'answer "{{ .Name }} {{ .Var.double }} IN A 192.0.2.{{ .Var.octets }}"',
        'fallthrough',
      ),
      directive(
        'template IN TXT var.test',
        'match ^(.*?)\\.?var\\.test\\.$',
        "var joined \"name() + ' ' + class() + ' ' + proto() + ' ' + group(1) + group(9) + group('nosuch')\"",
        'var list "split(group(1), \'.\')"',
        'var hindmost "len(list) > 0 ? list[len(list)-1] : \'none\'"',
        'answer "{{ .Name }} 9 IN TXT \\"{{ .Var.joined }}\\" \\"{{ .Var.hindmost }}\\" \\"{{ .Var.list }}\\""',
      ),
      directive(
        'template IN MX var.test',
        'expr "incidr(group(0), \'127.0.0.0/8\')"',
        'answer "{{ .Name }} MX 1 x."',
        'fallthrough',
      ),
      directive(
        'template IN SRV var.test',
        'expr "do() or bufsize() > 2000"',
        'answer "{{ .Name }} SRV 1 2 3 {{ .Name }}"',
        'fallthrough',
      ),
      directive(
        'template IN AAAA var.test',
        "var net \"incidr(client_ip(), '::1/128') ? 'six' : 'four'\"",
        'answer "{{ .Name }} AAAA 2001:db8::{{ if eq .Var.net \\"six\\" }}6{{ else }}4{{ end }}"',
      ),
      'whoami',
    ],
    ['word.var.test.', 'ab.var.test.', 'abcdefghijklmnopq.var.test.', 'a.b.c.var.test.', 'var.test.', 'x.other.test.'],
    { clients: ['127.0.0.2', '127.0.0.9', '::1'] },
  ),
  configuration(
    'template-functions',
    [
      directive(
        'template IN TXT fn.test',
        'match ^(?P<a>[^.]*)\\.(?P<b>[^.]*)\\.fn\\.test\\.$',
        'answer "{{ .Name }} TXT {{ if eq .Group.a .Group.b }}same{{ else if lt (len .Group.a) 3 }}short{{ else }}other{{ end }}"',
        'answer "{{ .Name }} TXT {{ range $i, $m := .Match }}{{ $i }}={{ printf \\"%q\\" $m | len }},{{ end }}"',
        'answer "{{ .Name }} TXT {{ with .Group.a }}{{ . | html }}{{ end }}{{- /* none */ -}}"',
        'answer "{{ .Name }} TXT {{ parseInt .Group.b 16 32 }}"',
        'fallthrough',
      ),
      directive(
        'template IN A hex.test',
        'match ^([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\\.hex\\.test\\.$',
        'answer "{{ .Name }} A {{ parseInt (index .Match 1) 16 32 }}.{{ parseInt (index .Match 2) 16 32 }}.{{ parseInt (index .Match 3) 16 32 }}.{{ parseInt (index .Match 4) 16 32 }}"',
        'fallthrough',
      ),
      'forward . UPSTREAM',
    ],
    [
      'ff.10.fn.test.',
      'same.same.fn.test.',
      'long.7fffffff.fn.test.',
      'a.zz.fn.test.',
      'c0000201.hex.test.',
      'ffffffff.hex.test.',
      '00.hex.test.',
    ],
  ),
]
