/** dns64 and siit: answers of one family made from the other's. */
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsNear } from './questions.ts'

const names = ['www.up.test.', 'four.up.test.', 'six.up.test.', 'alias.up.test.', 'chain.up.test.', 'nosuch.up.test.']
  .concat(['servfail.up.test.', 'refused.up.test.', 'void.up.test.', 'bare.up.test.', 'text.up.test.', 'many.up.test.'])
  .concat([
    'zero.up.test.',
    'week.up.test.',
    'dangling.up.test.',
    'outside.up.test.',
    'mapped.hosts.test.',
    'eam.hosts.test.',
  ])

const configuration = (name: string, ...lines: readonly string[]): PluginConfiguration => ({
  name,
  corefile: ({ port, upstream }) =>
    server(
      `.:${port}`,
      'errors',
      ...lines,
      directive(
        'hosts /dev/null',
        '64:ff9b::192.0.2.66 mapped.hosts.test',
        '2001:db8::5 eam.hosts.test',
        '2001:db8:1:2::c000:201 mapped.hosts.test',
        '192.0.2.8 four.hosts.test',
        'fallthrough',
      ),
      `forward . ${upstream}`,
    ),
  questions: () => questionsNear(names, { seed: name, limit: 5_500, clients: ['::1', '127.0.0.3'] }),
})

export const translation: readonly PluginConfiguration[] = [
  configuration('dns64', 'dns64'),
  configuration('dns64-ipv4', directive('dns64', 'allow_ipv4', 'prefix 2001:db8:64::/48')),
  configuration(
    'dns64-all',
    directive('dns64', 'translate_all', 'allow_ipv4', 'prefix 2001:db8:6400::/40'),
    'cache 3600',
  ),
  configuration('dns64-prefix', directive('dns64 2001:db8:1:2::/64', 'allow_ipv4')),
  configuration('siit', 'siit'),
  configuration(
    'siit-eam',
    directive(
      'siit',
      'ipv6_prefix 2001:db8::/32',
      'ipv6_prefix 2001:db8:1:2::/64',
      'eam 198.51.100.1 2001:db8::5',
      'eam 198.51.100.2 2001:db8::9',
      'eam 198.51.100.3 2001:db8::9',
    ),
  ),
  configuration('siit-dns64', 'siit', directive('dns64', 'allow_ipv4'), 'loadbalance', 'cache 3600'),
]
