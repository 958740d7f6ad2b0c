import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsNear } from './questions.ts'

const clients = ['127.0.0.1', '127.0.0.2', '127.7.7.7', '127.200.0.1', '::1']
const names = [
  'a.view.test.',
  'example.view.test.',
  'deep.a.view.test.',
  'x.up.test.',
  'www.up.test.',
  'www.example.org.',
  '.',
]

/** A block that tells by an address that it answered. */
const told = (key: string, octet: number, view: string | undefined, ...lines: readonly string[]): string =>
  server(
    key,
    'errors',
    ...(view === undefined ? [] : [directive(`view v${octet}`, ...view.split('\n'))]),
    ...lines,
    directive('template IN ANY', `answer "{{ .Name }} 7 IN A 192.0.2.${octet}"`),
  )

const expr = (...expressions: readonly string[]) => expressions.map((text) => `expr "${text}"`).join('\n')

export const view: readonly PluginConfiguration[] = [
  {
    name: 'view',
    corefile: ({ port }) => {
      const key = `.:${port}`
      return [
        told(key, 1, expr("incidr(client_ip(), '127.7.0.0/16')", "type() == 'A' || type() == 'TXT'")),
        told(key, 2, expr("name() matches '^example[.]' and proto() == 'tcp'")),
        told(`view.test:${port}`, 3, expr("type() in ['MX', 'SRV', 'ANY'] && class() == 'IN'")),
        told(key, 4, expr('do()', 'bufsize() > 2000')),
        told(key, 5, expr("client_ip() == '127.0.0.2'", "name() endsWith 'up.test.'")),
        told(`a.view.test:${port}`, 6, expr('size() > 60')),
        told(key, 7, expr("client_ip() == '::1' && opcode() == 0 && server_port() != '53'")),
        told(`view.test:${port}`, 8, expr("len(split(name(), '.')) > 4 and not (name() contains 'x')")),
        told(key, 9, expr('1 + 1')),
        told(key, 10, expr("int(port()) < 0 or id() < 0 or server_port() == '1'")),
        told(key, 11, expr("incidr('nonsense', '127.0.0.0/8')")),
        told(`view.test:${port}`, 12, expr("metadata('view/name') == 'v12'")),
        told(`up.test:${port}`, 13, expr("hasPrefix(name(), 'www') ? type() == 'A' : all([1,2], # > 0)")),
        told(key, 14, undefined),
      ].join('')
    },
    questions: () => questionsNear(names, { clients, limit: 7_000 }),
  },
  {
    name: 'view-metadata',
    corefile: ({ port, upstream }) =>
      [
        told(`.:${port}`, 1, expr("metadata('view/name') == 'v1' && type() == 'A'"), 'metadata'),
        told(`.:${port}`, 2, expr("metadata('nosuch/label') == '' && type() == 'TXT'"), 'metadata view.test'),
        server(
          `view.test:${port}`,
          'errors',
          'metadata',
          directive('view last', `expr "type() != 'MX'"`),
          'rewrite edns0 local set 0xffee {view/name}',
          `forward . ${upstream}`,
        ),
        server(
          `echo.test:${port}`,
          'errors',
          'metadata',
          directive('view echoing', expr('true')),
          'rewrite edns0 local set 0xffee {view/name}',
          `forward . ${upstream}`,
        ),
      ].join(''),
    questions: () => questionsNear([...names, 'x.echo.test.'], { clients, limit: 6_000 }),
  },
]
