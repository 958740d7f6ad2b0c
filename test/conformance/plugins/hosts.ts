import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsNear } from './questions.ts'

const file = `
# a comment
192.0.2.1 www.hosts.test www Alias.Hosts.TEST
192.0.2.2 www.hosts.test
192.0.2.2 www.hosts.test
2001:db8::1 www.hosts.test six.hosts.test # behind it
10.0.0.1 *.wild.hosts.test
10.0.0.2 exact.wild.hosts.test
10.0.0.3 *.deep.wild.hosts.test
::ffff:192.0.2.9 mapped.hosts.test
fe80::1%lo zoned.hosts.test
192.0.2.300 bad.hosts.test
no-address www.hosts.test
192.0.2.7
192.0.2.8 dotted.hosts.test. other.example.org
127.0.0.1 localhost
192.0.2.10 sp_ace.hosts.test 1.hosts.test -dash.hosts.test a..b.hosts.test
`

const inline = ['192.0.2.77 inline.hosts.test', '2001:db8::77 inline.hosts.test www.hosts.test', '10.0.0.9 *.in.test']

const names = [
  'www.hosts.test.',
  'alias.hosts.test.',
  'exact.wild.hosts.test.',
  'any.wild.hosts.test.',
  'a.b.wild.hosts.test.',
  'x.deep.wild.hosts.test.',
  'six.hosts.test.',
  'mapped.hosts.test.',
  'inline.hosts.test.',
  'one.in.test.',
  '1.2.0.192.in-addr.arpa.',
  '2.2.0.192.in-addr.arpa.',
  '9.2.0.192.in-addr.arpa.',
  '77.2.0.192.in-addr.arpa.',
  '1.0.0.10.in-addr.arpa.',
  '1.0.0.127.in-addr.arpa.',
  `1${'.0'.repeat(23)}.8.b.d.0.1.0.0.2.ip6.arpa.`,
  `7.7${'.0'.repeat(22)}.8.b.d.0.1.0.0.2.ip6.arpa.`,
  `1${'.0'.repeat(28)}.8.e.f.ip6.arpa.`,
  'www.',
  'localhost.',
  'zoned.hosts.test.',
  'dotted.hosts.test.',
  'other.example.org.',
  'sp_ace.hosts.test.',
  '-dash.hosts.test.',
  'www.up.test.',
  '.',
]

const configuration = (
  name: string,
  line: string,
  body: readonly string[],
  { behind = [], key = '.' }: { behind?: readonly string[]; key?: string } = {},
): PluginConfiguration => ({
  name,
  files: { 'hosts.txt': file },
  corefile: ({ port, upstream, folder }) =>
    server(
      `${key}:${port}`,
      'errors',
      directive(line.replace('hosts.txt', `${folder}/hosts.txt`), ...body),
      ...behind.map((text) => text.replace('UPSTREAM', upstream)),
    ),
  questions: () => questionsNear(names, { seed: name, limit: 6_000 }),
})

export const hosts: readonly PluginConfiguration[] = [
  configuration('hosts', 'hosts hosts.txt', [...inline, 'ttl 77', 'fallthrough'], { behind: ['forward . UPSTREAM'] }),
  configuration('hosts-alone', 'hosts hosts.txt', []),
  configuration('hosts-zones', 'hosts hosts.txt hosts.test 192.0.2.0/24 2001:db8::/32', ['reload 0', ...inline], {
    behind: ['whoami'],
  }),
  configuration('hosts-no-reverse', 'hosts hosts.txt', [...inline, 'no_reverse', 'fallthrough wild.hosts.test arpa'], {
    behind: ['whoami'],
  }),
  configuration(
    'hosts-unsupported',
    'hosts hosts.txt',
    [...inline, 'fallthrough', 'fallthrough_unsupported', 'ttl 65535'],
    { behind: ['forward . UPSTREAM'] },
  ),
  configuration('hosts-block', 'hosts hosts.txt', [...inline, 'ttl 1', 'fallthrough'], {
    key: 'hosts.test',
    behind: ['erratic {\n    drop 0\n    delay 0\n    truncate 0\n}'],
  }),
]
