/** Plugins with a word or two of configuration, each in front of the upstream. */
import { ask, edns } from '../queries.ts'
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { type About, questionsNear, types } from './questions.ts'

/** Names with which an upstream's reply shows all its sections. */
export const telling = [
  'www.up.test.',
  'alias.up.test.',
  '_http._tcp.up.test.',
  'mail.up.test.',
  'many.up.test.',
  'large.up.test.',
  'nosuch.up.test.',
  'x.echo.test.',
  'servfail.up.test.',
  'void.up.test.',
  '.',
]

const before = (
  name: string,
  lines: readonly string[],
  { names = telling, about = {}, key = '.' }: { names?: readonly string[]; about?: About; key?: string } = {},
): PluginConfiguration => ({
  name,
  corefile: ({ port, upstream }) => server(`${key}:${port}`, 'errors', ...lines, `forward . ${upstream}`),
  questions: () => questionsNear(names, { seed: name, limit: 5_500, ...about }),
})

const chaosNames = ['version.bind.', 'version.server.', 'authors.bind.', 'hostname.bind.', 'id.server.', 'www.up.test.']
const localNames = ['localhost.', 'www.localhost.', 'localhost.up.test.', '0.in-addr.arpa.', '127.in-addr.arpa.']
  .concat(['255.in-addr.arpa.', '1.0.0.127.in-addr.arpa.', '9.0.0.127.in-addr.arpa.', 'www.up.test.'])
  .concat([`1.${'0.'.repeat(31)}ip6.arpa.`, `0.${'0.'.repeat(31)}ip6.arpa.`, '1.0.0.10.in-addr.arpa.'])

export const small: readonly PluginConfiguration[] = [
  before('any', ['any']),
  before('header', [directive('header', 'query set rd', 'query clear ra', 'response set aa ra', 'response clear rd')]),
  before('header-query', [directive('header', 'query clear rd', 'query set aa ra', 'response clear aa ra')]),
  before('header-twice', [directive('header', 'response set ra'), directive('header', 'response set aa')]),
  before('header-cache', ['cache 3600', directive('header', 'RESPONSE SET AA', 'response clear RA rd')]),
  before('minimal', ['minimal']),
  before('minimal-cache', ['minimal', 'cache 3600', 'loadbalance']),
  before('nsid', ['nsid here and there']),
  before('nsid-any', ['nsid x', 'any', directive('hosts /dev/null', '192.0.2.1 www.up.test', 'fallthrough')]),
  before('chaos', ['chaos v1.2-test "An Author" other'], { names: chaosNames }),
  before('chaos-zone', ['chaos one two'], { names: chaosNames, key: 'bind' }),
  before('local', ['local'], { names: localNames }),
  before('local-off', [directive('local', 'localhost_prefix off')], { names: localNames }),
  before('bufsize', ['bufsize 600']),
  before('bufsize-default', ['bufsize', 'cache 3600']),
  before('cancel', ['cancel 3s']),
  {
    ...before('errors', []),
    corefile: ({ port, upstream }) =>
      server(
        `.:${port}`,
        directive('errors stdout', 'stacktrace', 'consolidate 5s ".*" warning show_first', 'consolidate 1s ^x.*$ info'),
        `forward . ${upstream}`,
      ),
  },
  before('log', ['log', 'log up.test "{name} {type}"', directive('log . {combined}', 'class denial error')]),
  before('debug-root', [
    'debug',
    'root /tmp',
    directive('timeouts', 'read 5s', 'write 3s', 'idle 9s', 'maxtcpqueries 1'),
  ]),
  before('metadata', ['metadata', 'rewrite edns0 local set 0xffee {forward/upstream}']),
  before(
    'nested-blocks',
    ['log {\n    class all {\n    }\n}', 'acl {\n    allow net 127.0.0.1 {\n        block net 0.0.0.0/0\n    }\n}'],
    {
      about: { clients: ['127.0.0.1', '127.0.0.2'] },
    },
  ),
  before('multisocket', ['multisocket 2', 'cache 3600']),
  { ...before('bind-alone', ['bind 127.0.0.1']), bound: true },
  before('shed', ['shed']),
  // Their headers and messages are compared by tests of their own (proxyproto.test.ts, dnstap.test.ts).
  before('proxyproto', [directive('proxyproto', 'allow 192.0.2.0/24', 'default ignore')]),
  before('proxyproto-use', [directive('proxyproto', 'udp_session_tracking 10s 100'), 'cache 3600']),
  {
    ...before('dnstap', []),
    corefile: ({ port, upstream, folder }) =>
      server(`.:${port}`, 'errors', `dnstap ${folder}/tap.sock full`, 'metadata', `forward . ${upstream}`),
  },
  before('loadbalance', ['loadbalance']),
  before('loadbalance-prefer', [
    directive('loadbalance round_robin', 'prefer 203.0.113.0/28 203.0.113.32/29', 'prefer 2001:db8::/32 192.0.2.2/32'),
  ]),
  {
    ...before('loadbalance-weighted', []),
    files: {
      weights:
        '# none\n\nwww.up.test\n192.0.2.1 3\n192.0.2.2 1\n2001:db8::1 255\n\nmany.up.test\n203.0.113.7 9\n_http._tcp.up.test\n192.0.2.1 2\n',
    },
    corefile: ({ port, upstream, folder }) =>
      server(
        `.:${port}`,
        'errors',
        directive(`loadbalance weighted ${folder}/weights`, 'reload 0'),
        `forward . ${upstream}`,
      ),
  },
  {
    name: 'whoami',
    corefile: ({ port }) => server(`.:${port}`, 'errors', 'whoami') + server(`zone.test:${port}`, 'any', 'whoami'),
    questions: () =>
      questionsNear(['www.zone.test.', 'x.', '.'], { clients: ['127.0.0.1', '127.3.4.5', '::1'], limit: 5_500 }).filter(
        ({ shape }) => shape === undefined,
      ),
  },
  {
    name: 'erratic',
    inOrder: true,
    corefile: ({ port }) =>
      server(`.:${port}`, 'errors', directive('erratic', 'drop 0', 'truncate 6', 'delay 100 1ms')) +
      server(`large.test:${port}`, directive('erratic', 'drop 0', 'large', 'truncate 3')) +
      server(`cut.test:${port}`, directive('erratic', 'truncate')),
    questions: () => questionsNear(['www.test.', 'a.large.test.', 'x.cut.test.', '.'], { limit: 5_500 }),
  },
  {
    name: 'erratic-drop',
    inOrder: true,
    silent: true,
    corefile: ({ port }) => server(`.:${port}`, 'errors', directive('erratic', 'drop 20')),
    questions: () =>
      [...types].flatMap((type) => ['www.test.', 'x.'].map((name) => ask(name, type, { edns: edns(1232) }))),
  },
  {
    name: 'no-plugins',
    corefile: ({ port, upstream }) =>
      server(`.:${port}`, `forward . ${upstream}`) +
      `empty.test:${port} {\n}\n` +
      server(`errors.test:${port}`, 'errors') +
      server(`up.test:${port} 2.0.192.in-addr.arpa:${port} 10.0.0.0/15:${port}`, 'any', `forward . ${upstream}`) +
      server(`www.up.test:${port}`, directive('template IN DS', 'answer "{{ .Name }} DS 1 8 2 aa"')),
    questions: () =>
      questionsNear(
        [
          'a.empty.test.',
          'x.errors.test.',
          'www.up.test.',
          'up.test.',
          '1.2.0.192.in-addr.arpa.',
          '5.1.0.10.in-addr.arpa.',
          '5.2.0.10.in-addr.arpa.',
          '.',
        ],
        { limit: 5_500 },
      ),
  },
]
