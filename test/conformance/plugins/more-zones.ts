/** Zones from everywhere but `file`: a directory, a primary, a zone that may be updated; who may transfer them, and what must be signed. */
import { opcode, type } from '../../../src/dns/codes.ts'
import { ask } from '../queries.ts'
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsAbout, questionsNear } from './questions.ts'
import { fileNames, fileZone } from './zones.ts'

const other = `@ 60 IN SOA ns.file.test. admin 7 7200 1800 86400 60
@ 60 IN NS ns.file.test.
www 60 IN A 192.0.2.60
alias 60 IN CNAME www.file.test.
*.w 60 IN TXT "other"
`

const configuration = (
  name: string,
  lines: readonly string[],
  more: Partial<PluginConfiguration> = {},
): PluginConfiguration => ({
  name,
  files: {
    'db.file.test': fileZone,
    'db.sub.file.test': other,
    'db.other.test': other,
    'other.zone': other,
    notes: 'none',
  },
  corefile: ({ port, upstream, primary, folder }) =>
    server(
      `.:${port}`,
      'errors',
      ...lines.map((line) => line.replaceAll('FOLDER', folder).replaceAll('PRIMARY', primary)),
      `forward . ${upstream}`,
    ),
  questions: () => questionsNear([...fileNames, ...othersNames], { seed: name, limit: 5_000 }),
  ...more,
})

const othersNames = ['x.w.other.test.', 'alias.other.test.', 'www.sub.file.test.', 'y.sub.file.test.']

/** DS is left out: updates may not have it. */
const updatable = fileZone.replaceAll(/^.* DS .*$/gm, '')
const key = 'secret k.test. c2VjcmV0IGtleQ=='

/** Without records, and so without a signature. */
const updates = ['file.test.', 'www.file.test.', 'other.test.', '.'].flatMap((name) =>
  [type.SOA, type.A].flatMap((asked) =>
    (['udp', 'tcp'] as const).map((over) => ask(name, asked, { opcode: opcode.UPDATE, over })),
  ),
)

const askedByMany = () =>
  questionsAbout(['file.test.', 'www.file.test.', 'other.test.'], {
    types: [type.AXFR, type.IXFR, type.SOA, type.A],
    clients: ['127.0.0.1', '127.0.0.7', '::1'],
  }).flatMap((asked) => [asked, { ...asked, over: 'tcp' as const }])

export const moreZones: readonly PluginConfiguration[] = [
  configuration('auto', [directive('auto', 'directory FOLDER', 'reload 0')]),
  configuration(
    'auto-pattern',
    [
      directive('auto file.test example', 'directory FOLDER ([a-z]+)\\.(zone) {1}.example', 'reload 1h'),
      'loadbalance',
      'minimal',
    ],
    {
      questions: () =>
        questionsNear(['www.other.example.', 'x.w.other.example.', 'www.file.test.'], {
          seed: 'auto-pattern',
          limit: 3_000,
        }),
    },
  ),
  configuration(
    'auto-transfer',
    [directive('auto', 'directory FOLDER db\\.(file\\.test) {1}', 'reload 0'), directive('transfer', 'to *')],
    {
      questions: askedByMany,
    },
  ),
  configuration(
    'transfer-some',
    ['file FOLDER/db.file.test file.test', directive('transfer file.test', 'to 127.0.0.7', 'to ::1')],
    {
      questions: askedByMany,
    },
  ),
  configuration('secondary', [directive('secondary file.test', 'transfer from PRIMARY')], {
    settledName: 'www.file.test.',
  }),
  configuration(
    'secondary-fallthrough',
    [
      directive('secondary file.test', 'transfer from PRIMARY', 'fallthrough'),
      directive('transfer', 'to *'),
      'loadbalance',
    ],
    { settledName: 'www.file.test.' },
  ),
  configuration(
    'dynupdate',
    [directive('tsig', key), directive('dynupdate file.test', 'file FOLDER/db.file', 'allow k.test. * *')],
    {
      files: { 'db.file': updatable },
      questions: () => [...questionsNear(fileNames, { seed: 'dynupdate', limit: 5_000 }), ...updates],
    },
  ),
  configuration('tsig', [
    directive('tsig file.test', key, 'require TXT AXFR MX', 'require_opcode NOTIFY'),
    'file FOLDER/db.file.test file.test',
  ]),
  configuration(
    'tsig-all',
    [directive('tsig', key, 'require all', 'require_opcode all'), 'file FOLDER/db.file.test file.test'],
    {
      questions: () => [...questionsNear(fileNames, { seed: 'tsig-all', limit: 2_000 }), ...updates],
    },
  ),
]
