/** Imports point inwards: a room imports only what its line names. The rooms are described in docs/design.md. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentOf, filesIn, type Import, importsOf } from './sources.ts'

/**
 * Rooms that a room may import, besides itself, `scheduling`, `telemetry` and `process-limits`. `types`: only types, that is `import type` or a file
 * named types.ts (which may hold the constants that its types speak of).
 */
interface Room {
  readonly imports: readonly string[]
  readonly types?: readonly string[]
  /** The common rooms are open to every room but these. */
  readonly closed?: true
}

const model = ['answer', 'cluster-dns', 'table', 'k8s', 'etcd', 'upstream', 'trust', 'libc']

/** Rooms that every room may import, unless it is closed. */
const common = ['scheduling', 'telemetry', 'process-limits']

const rooms: Readonly<Record<string, Room>> = {
  cli: { imports: ['corefile', 'plugin', 'plugins', 'dns', 'process-limits', 'local-socket'], types: ['console'] },
  transport: { imports: ['server', 'answer', 'upstream', 'libc', 'dns'], types: ['plugin', 'table'] },
  server: { imports: ['plugin', 'console', 'corefile', 'answer', 'table', 'dns', 'regexp'] },
  plugins: {
    imports: [
      'plugin',
      'console',
      'corefile',
      'dns',
      'regexp',
      'expression',
      'text-template',
      'zone',
      'dnssec',
      ...model,
    ],
  },
  plugin: { imports: ['corefile', 'dns', 'regexp', 'expression'], types: ['answer', 'table', 'console'] },
  console: { imports: ['dns'] },
  zone: { imports: ['plugin', 'corefile', 'dns', 'table', 'upstream'] },
  regexp: { imports: [], closed: true },
  expression: { imports: ['regexp'], closed: true },
  'text-template': { imports: [], closed: true },
  answer: { imports: ['table', 'dns'] },
  'cluster-dns': { imports: ['dns'], types: ['k8s', 'table'] },
  table: { imports: ['dns'] },
  k8s: { imports: ['trust'] },
  upstream: { imports: ['dns', 'trust', 'libc'] },
  etcd: { imports: ['trust'] },
  libc: { imports: ['dns'] },
  trust: { imports: [], closed: true },
  corefile: { imports: ['telemetry'], closed: true },
  dnssec: { imports: ['dns'] },
  dns: { imports: [], closed: true },
  scheduling: { imports: [], closed: true },
  'local-socket': { imports: [] },
  'process-limits': { imports: [], closed: true },
  telemetry: { imports: ['scheduling'], closed: true },
}

/** Packages that belong to one room: all FFI is in libc, what speaks to the API server in cluster, and so on. */
const packages: Readonly<Record<string, readonly string[]>> = {
  koffi: ['libc', 'local-socket'],
  dns2: ['cli'],
  pbf: ['k8s', 'etcd', 'plugins/dnstap'],
  re2js: ['regexp'],
  '@kubernetes/client-node': ['k8s'],
  'prom-client': ['telemetry', 'plugins/prometheus'],
}

/** The one file beside the rooms that others may import: a fact about the package. */
const shared = 'src/version.ts'

/** `src/main.ts` and what lies beside it assemble the rooms: they may import anything, and nothing imports them. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

/** What is wrong with an import, or undefined. */
function fault(found: Import): string | undefined {
  const room = roomOf(found.from)
  if (room === undefined) return undefined
  if (found.kind === 'package') {
    const owners = packages[found.target]
    const owned = !owners || owners.some((owner) => found.from.startsWith(`src/${owner}/`))
    return owned ? undefined : `only ${owners.join(' and ')} may import ${found.target}`
  }
  const target = roomOf(found.target)
  if (found.target === shared && room === 'cli') return undefined
  if (target === undefined) return `nothing imports ${found.target}`
  const { imports, types = [], closed } = rooms[room] ?? { imports: [] }
  if (room === 'plugins' && target === 'plugins') {
    const [from, to] = [pluginOf(found.from), pluginOf(found.target)]
    if (from === to || from === 'index.ts' || found.target === `src/plugins/${to}/capability.ts`) return undefined
    return `plugin ${from} must not import plugin ${to}`
  }
  if (room === target || imports.includes(target)) return undefined
  if (common.includes(target) && !closed) return undefined
  if (types.includes(target) && (found.typeOnly || found.target.endsWith('/types.ts'))) return undefined
  return types.includes(target) ? `${room} may import only types of ${target}` : `${room} may not import ${target}`
}

function pluginOf(path: string): string {
  return path.split('/')[2]
}

describe('rooms', () => {
  it('every room of src/ is in the table', () => {
    const found = new Set(filesIn('src/*/**/*.ts').map(roomOf))
    assert.deepEqual(
      [...found].filter((room) => room === undefined || !(room in rooms)),
      [],
    )
  })

  it('every room of src/ is described in docs/design.md', () => {
    const page = contentOf('docs/design.md')
    assert.deepEqual(
      Object.keys(rooms).filter((room) => !page.includes(`\`src/${room}\``) && !page.includes(`\`src/${room}/`)),
      [],
    )
  })

  it('import only what the table allows', () => {
    const faults = filesIn('src/**/*.ts')
      .flatMap((path) => importsOf(path))
      .flatMap((found) => {
        const reason = fault(found)
        return reason === undefined ? [] : [`${found.from}:${found.line} ${reason}`]
      })
    assert.deepEqual(faults, [])
  })

  const examples: readonly (readonly [string, string, string | undefined])[] = [
    ['src/dns/name.ts', "import type { Logger } from '../telemetry/log.ts'", 'dns may not import telemetry'],
    ['src/corefile/load.ts', "import { type } from '../dns/codes.ts'", 'corefile may not import dns'],
    ['src/k8s/model/cluster-model.ts', "import { parseName } from '../../dns/name.ts'", 'k8s may not import dns'],
    ['src/plugins/log/index.ts', "import { x } from '../errors/index.ts'", 'plugin log must not import plugin errors'],
    ['src/plugins/log/index.ts', "import { x } from '../transfer/capability.ts'", undefined],
    ['src/plugin/contract.ts', "import type { Cluster } from '../k8s/model/types.ts'", 'plugin may not import k8s'],
    ['src/plugins/log/index.ts', "import { x } from '../../server/chain.ts'", 'plugins may not import server'],
    ['src/plugins/log/index.ts', "import { x } from '../../version.ts'", 'nothing imports src/version.ts'],
    [
      'src/plugin/query.ts',
      "import {\n  createTable,\n} from '../table/index.ts'",
      'plugin may import only types of table',
    ],
    ['src/plugin/query.ts', "import type { TableWriter } from '../table/api.ts'", undefined],
    ['src/plugin/query.ts', "export * from '../server/chain.ts'", 'plugin may not import server'],
    ['src/server/chain.ts', "const x = await import('../plugins/log/index.ts')", 'server may not import plugins'],
    ['src/server/chain.ts', "import koffi from 'koffi'", 'only libc and local-socket may import koffi'],
    ['src/plugins/index.ts', "import { log } from './log/index.ts'", undefined],
    ['src/main.ts', "import { log } from './plugins/log/index.ts'", undefined],
    ['src/dns/name.ts', "// import { x } from '../server/chain.ts'", undefined],
    ['src/dns/name.ts', "/* import { x } from '../server/chain.ts' */", undefined],
  ]
  for (const [path, text, reason] of examples)
    it(`${reason ? 'refuses' : 'allows'} ${text.replaceAll('\n', ' ')} in ${path}`, () =>
      assert.deepEqual(importsOf(path, text).map(fault).filter(Boolean), reason ? [reason] : []))
})
