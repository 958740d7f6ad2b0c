/** `autopath` with a search list of a file, and what stands around it. */
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { type About, questionsNear } from './questions.ts'

const names = [
  'www.first.test.',
  'nosuch.first.test.',
  'www.up.test.first.test.',
  'alias.first.test.',
  'dangling.first.test.',
  'servfail.first.test.',
  'text.first.test.',
  'a.b.c.first.test.',
  'first.test.',
  'x.first.test.',
  'only.first.test.',
  'www.second.test.',
  'www.up.test.',
  'hosts.first.test.',
  'blocked.first.test.',
  'moved.first.test.',
  'www.example.org.first.test.',
]
const about: About = { clients: ['127.0.0.1', '127.0.0.2', '127.0.0.3'], limit: 6_000 }

const configuration = (name: string, ...lines: readonly string[]): PluginConfiguration => ({
  name,
  files: { 'resolv.conf': 'search first.test second.test up.test\nnameserver 127.0.0.1\noptions ndots:5\n' },
  corefile: ({ port, upstream, folder }) =>
    server(
      `.:${port}`,
      'errors',
      `autopath ${folder}/resolv.conf`,
      ...lines,
      directive(
        'hosts /dev/null',
        '192.0.2.1 only.first.test',
        '192.0.2.2 hosts.second.test',
        '2001:db8::2 hosts.second.test',
        '192.0.2.4 moved.second.test',
        '192.0.2.5 blocked.second.test',
        'fallthrough',
      ),
      directive(
        'template ANY ANY first.test second.test',
        'rcode NXDOMAIN',
        'authority "test. 60 SOA a. b. 1 2 3 4 5"',
      ),
      `forward . ${upstream}`,
    ),
  questions: () => questionsNear(names, about),
})

export const searches: readonly PluginConfiguration[] = [
  configuration('autopath-file'),
  configuration(
    'autopath-around',
    'rewrite name suffix .third.test .first.test answer auto',
    'rewrite type TXT A',
    directive('acl', 'block type A net 127.0.0.2', 'filter net 127.0.0.3'),
    'loadbalance',
    'any',
  ),
  configuration('autopath-cache', 'cache 3600', 'minimal'),
]
