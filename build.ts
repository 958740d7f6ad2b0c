/**
 * Bundles what ships into dist/:
 *   slicedns.js     the launcher (src/launch.ts): finds the pinned runtime and starts server.js on it
 *   server.js       everything that serves (src/main.ts)
 *   udp-worker.js   a UDP thread's code; a file of its own because a Worker is started from a file
 *   *-HASH.js       what they share, and what is loaded only when it is needed (the kubeconfig reader, subcommands)
 *   LICENSES.txt    the licences of the packages that went into the above
 *
 *   npm run build                   dist/ alone
 *   npm run build -- --image FOLDER also the files of the container image, laid out in FOLDER (see Dockerfile)
 *
 * koffi stays outside: it finds its native library (@koromix/koffi-PLATFORM) beside itself in node_modules.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { findRuntime } from './src/runtime.js'

const root = import.meta.dirname
const dist = join(root, 'dist')

/**
 * An ES module import of a Node module reads every export of it, lazy ones too: `import 'node:http'` so loads undici
 * (15 MiB resident), `import 'node:fs'` its promises (3 MiB). Fetched this way nothing loads that is not used.
 */
const lazyNodeModules: Plugin = {
  name: 'lazy-node-modules',
  setup(bundler) {
    bundler.onResolve({ filter: /./ }, ({ path }) =>
      isBuiltin(path) ? { path: path.replace(/^node:/, ''), namespace: 'node' } : undefined,
    )
    bundler.onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}')`,
    }))
  },
}

/**
 * Of @kubernetes/client-node we use KubeConfig, and its package loads everything: 70 MiB resident, most of it the
 * generated API models and undici. So its name means the one file here, and what that file imports for parts that we
 * never call becomes a stub (below). Kept: js-yaml, hpagent, and on first use the old `azure`/`gcp`/`oidc` sign-ins and
 * SOCKS proxies.
 */
const kubeConfigOnly: Plugin = {
  name: 'kubeconfig-only',
  setup(bundler) {
    const client = join(root, 'node_modules/@kubernetes/client-node/dist')
    bundler.onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({ path: join(client, 'config.js') }))
    bundler.onResolve({ filter: /./ }, ({ path, importer }) =>
      path in stubs && dirname(importer) === client ? { path, namespace: 'stub' } : undefined,
    )
    bundler.onLoad({ filter: /./, namespace: 'stub' }, ({ path }) => ({ contents: stubs[path]!, resolveDir: client }))
  },
}

const never = (...names: readonly string[]) =>
  names
    .map((name) => `export class ${name} { constructor() { throw new Error('${name} is not part of slicedns') } }`)
    .join('\n')
/** Loads the package when one of its names is first used. */
const lazy = (from: string, ...names: readonly string[]) =>
  `module.exports = { ${names.map((name) => `get ${name}() { return require('${from}').${name} }`).join(', ')} }`

const stubs: Readonly<Record<string, string>> = {
  // Used by makeApiClient and applyToFetchOptions only, which our reflectors do not call.
  undici: never('Agent', 'ProxyAgent'),
  './gen/index.js': `${never('ServerConfiguration')}\nexport const createConfiguration = () => new ServerConfiguration()`,
  './middleware.js': 'export const setHeaderMiddleware = () => undefined',
  // Used by one kind of user or proxy each.
  'jsonpath-plus': lazy('jsonpath-plus', 'JSONPath'),
  'openid-client': lazy('openid-client', 'Configuration', 'refreshTokenGrant', 'discovery', 'customFetch'),
  'socks-proxy-agent': lazy('socks-proxy-agent', 'SocksProxyAgent'),
  socks: lazy('socks', 'SocksClient'),
}

const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  format: 'esm',
  platform: 'node',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  // A build that fails leaves the last one in place.
  write: false,
} satisfies BuildOptions
const launcher = await build({
  ...common,
  entryPoints: { slicedns: join(root, 'src/launch.ts') },
  target: 'node20',
})
const server = await build({
  ...common,
  entryPoints: { server: join(root, 'src/main.ts'), 'udp-worker': join(root, 'src/transport/udp/worker.ts') },
  splitting: true,
  target: 'node24',
  external: ['koffi'],
  plugins: [lazyNodeModules, kubeConfigOnly],
})
rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
for (const { path, contents } of [...launcher.outputFiles, ...server.outputFiles]) {
  writeFileSync(path, contents, { mode: path.endsWith('slicedns.js') ? 0o755 : 0o644 })
}
writeFileSync(join(dist, 'LICENSES.txt'), licences(server.metafile))
for (const { metafile } of [launcher, server]) report(metafile)

const image = process.argv[2] === '--image' ? process.argv[3] : undefined
if (image !== undefined) layOutImage(image)

/** What runs, and nothing else: no package manager, no sources, no development packages. */
function layOutImage(folder: string): void {
  const copy = (from: string, to: string) => cpSync(from, join(folder, to), { recursive: true })
  copy(findRuntime().file, 'usr/local/bin/node')
  for (const path of ['package.json', 'dist', 'node_modules/koffi', 'node_modules/@koromix']) {
    copy(join(root, path), join('slicedns', path))
  }
}

/** The licence text of each package that has code in the bundle. */
function licences(meta: Metafile): string {
  const folders = new Set<string>()
  for (const file of Object.keys(meta.inputs)) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]
    if (folder !== undefined) folders.add(folder)
  }
  return [...folders].sort().map(licenceOf).join('\n')
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file === undefined ? `Licence: ${license}\n` : readFileSync(join(root, folder, file), 'utf8')
  return `==== ${name} ${version}\n\n${text}`
}

function report(meta: Metafile): void {
  for (const [file, { bytes, entryPoint }] of Object.entries(meta.outputs)) {
    const name = relative(dist, join(root, file))
    if (entryPoint !== undefined || bytes > 50_000) console.log(`dist/${name}  ${Math.ceil(bytes / 1024)} KiB`)
  }
}
