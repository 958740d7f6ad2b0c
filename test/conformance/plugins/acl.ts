import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsNear } from './questions.ts'

const clients = ['127.0.0.1', '127.0.0.2', '127.0.1.1', '127.7.7.7', '127.200.0.1', '::1']

export const acl: readonly PluginConfiguration[] = [
  {
    name: 'acl',
    corefile: ({ port, upstream }) =>
      server(
        `.:${port}`,
        'errors',
        directive('acl open.test', 'allow'),
        directive('acl types.test', 'block type A MX', 'filter type TXT SRV', 'allow type AAAA', 'block type *'),
        directive(
          'acl nets.test',
          'block net 127.0.0.2 127.7.0.0/16',
          'filter net 127.0.1.0/24 ::1',
          'allow net *',
          'block',
        ),
        directive(
          'acl both.test',
          'ALLOW type A net 127.0.0.1/32',
          'Filter type A AAAA net 127.0.0.0/31 127.200.0.0/16',
          'block type ANY HTTPS net 0.0.0.0/0',
          'block type TXT net ::/0',
        ),
        directive('acl sub.nets.test', 'allow net 127.7.7.7'),
        directive('acl', 'block type CAA', 'filter type NAPTR net 127.0.0.2'),
        `forward . ${upstream}`,
      ),
    questions: () =>
      questionsNear(
        [
          'a.open.test.',
          'www.types.test.',
          'www.nets.test.',
          'www.both.test.',
          'x.sub.nets.test.',
          'www.up.test.',
          '.',
        ],
        { clients, limit: 7_000 },
      ),
  },
  {
    name: 'acl-drop',
    silent: true,
    corefile: ({ port, upstream }) =>
      server(
        `.:${port}`,
        'errors',
        directive('acl drop.test', 'allow net 127.0.0.1', 'drop type A net 127.0.0.0/8', 'drop type TXT'),
        'cache 30',
        `forward . ${upstream}`,
      ),
    questions: () => questionsNear(['www.drop.test.', 'www.up.test.'], { clients, limit: 1_500 }),
  },
]
