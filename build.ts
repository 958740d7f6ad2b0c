/**
 * Bundles what ships into dist/:
 *   slicedns.js     the launcher (src/launch.ts): finds the pinned runtime and starts server.js on it
 *   server.js       everything that serves (src/main.ts)
 *   udp-worker.js   what a UDP thread starts with (src/launch-thread.ts); a Worker is started from a file
 *   udp-thread.js   a UDP thread's code
 *   *-HASH.js       what they share, and what is loaded only when it is needed (the kubeconfig reader, subcommands)
 *   compile-cache/  what V8 has compiled the above to, so that a start need not (src/launch.ts)
 *   console/        the page of the `console` plugin
 *   LICENSES.txt    the licences of the packages that went into the above
 *
 * koffi stays outside: it finds its native library (@koromix/koffi-PLATFORM) beside itself in node_modules.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { serverFlags } from './src/launch-flags.ts'
import { findRuntime } from './src/runtime.js'

const root = import.meta.dirname
const require = createRequire(import.meta.url)
const dist = join(root, 'dist')

/** V8 hashes strings with a number of chance, and stores the hashes: with this the same sources give the same files. */
const sameCode = '--random-seed=1'

/**
 * An ES module import of a Node module reads every export of it, lazy ones too: `import 'node:http'` so loads undici
 * (15 MiB resident), `import 'node:fs'` its promises (3 MiB). Here a module is fetched when one of its names is first
 * read, so that a Corefile pays only for what it needs: node:http2 is for DNS over HTTPS alone.
 */
const lazyNodeModules = (fetch: (module: string) => string): Plugin => ({
  name: 'lazy-node-modules',
  setup(bundler) {
    bundler.onResolve({ filter: /./ }, ({ path }) =>
      isBuiltin(path) ? { path: path.replace(/^node:/, ''), namespace: 'node' } : undefined,
    )
    bundler.onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: lazyNodeModule(path, fetch(`node:${path}`)),
    }))
  },
})

function lazyNodeModule(path: string, fetch: string): string {
  const exported: unknown = process.getBuiltinModule(`node:${path}`)
  // The module is a function itself (node:assert, node:stream): packages call or extend it at once.
  if (typeof exported === 'function') return `module.exports = ${fetch}`
  const names = Object.keys(exported as object).filter((name) => name !== 'default')
  const getters = names.map((name) => `get ${name}() { return (fetched ??= ${fetch}).${name} }`)
  return `let fetched; module.exports = {${getters.join(',')}}`
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
    // Its real place, as importers have it: node_modules may be a link.
    const client = realpathSync(join(root, 'node_modules/@kubernetes/client-node/dist'))
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

/** Packages that few Corefiles need, but that a file which every start loads imports. */
const lazyPackages: Plugin = {
  name: 'lazy-packages',
  setup(bundler) {
    bundler.onResolve({ filter: /^yaml$/ }, ({ path, namespace }) =>
      namespace === 'lazy' ? undefined : { path, namespace: 'lazy' },
    )
    bundler.onLoad({ filter: /./, namespace: 'lazy' }, ({ path }) => ({
      contents: lazy(path, ...Object.keys(require(path))),
      resolveDir: root,
    }))
  },
}

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
  entryPoints: { slicedns: join(root, 'src/launch.ts'), 'udp-worker': join(root, 'src/launch-thread.ts') },
  target: 'node20',
  // Node 20.0 has no process.getBuiltinModule.
  banner: {
    js: "import { createRequire as nodeRequire } from 'node:module'\nconst requireNode = nodeRequire(import.meta.url)",
  },
  plugins: [lazyNodeModules((module) => `requireNode('${module}')`)],
})
const server = await build({
  ...common,
  entryPoints: { server: join(root, 'src/main.ts'), 'udp-thread': join(root, 'src/transport/udp/worker.ts') },
  splitting: true,
  target: 'node24',
  external: ['koffi'],
  plugins: [lazyNodeModules((module) => `process.getBuiltinModule('${module}')`), kubeConfigOnly, lazyPackages],
})
// Which its plugin reads (src/plugins/console/page.ts). Modules and style sheets become one file each: a page over
// `kubectl port-forward` is there after three requests.
const pageFolder = join(root, 'src/plugins/console/page')
const page = await build({
  ...common,
  entryPoints: [join(pageFolder, 'console.js'), join(pageFolder, 'console.css')],
  outdir: join(dist, 'console'),
  platform: 'browser',
  target: 'es2024',
  minify: true,
})
rmSync(dist, { recursive: true, force: true })
mkdirSync(join(dist, 'console'), { recursive: true })
for (const { path, contents } of [...launcher.outputFiles, ...server.outputFiles]) {
  writeFileSync(path, contents, { mode: path.endsWith('slicedns.js') ? 0o755 : 0o644 })
}
for (const { path, contents } of page.outputFiles) writeFileSync(path, contents)
for (const name of ['index.html', 'icon.svg']) cpSync(join(pageFolder, name), join(dist, 'console', name))
writeFileSync(join(dist, 'LICENSES.txt'), licences(server.metafile))
for (const { metafile } of [launcher, server]) report(metafile)

await fillCompileCache()

/**
 * Starts the server with each source of a cluster, API servers that are not there among them: Node.js keeps the compiled
 * code of all that has run when it ends. A start without the cache takes longer, and differs in nothing else.
 */
async function fillCompileCache(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-build-'))
  mkdirSync(join(dist, 'compile-cache'))
  try {
    // The second user is one for @kubernetes/client-node.
    const kubeconfigs = ['token: none', 'as: nobody'].map((user, at) => {
      const file = join(folder, `kubeconfig-${at}`)
      writeFileSync(file, absentCluster(user))
      return `kubeconfig ${file}`
    })
    const sources = [`manifests ${join(root, 'examples')}`, 'endpoint http://127.0.0.1:9', ...kubeconfigs]
    for (const source of sources) {
      const corefile = join(folder, 'Corefile')
      writeFileSync(corefile, warmUpCorefile(source))
      await startAndStop(corefile)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A kubeconfig file as kubectl writes it, whose API server is not there. */
function absentCluster(user: string): string {
  return `apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:9
  name: absent
contexts:
- context:
    cluster: absent
    user: builder
  name: absent
current-context: absent
kind: Config
preferences: {}
users:
- name: builder
  user:
    ${user}
`
}

/** What kubeadm's Corefile runs, on ports that the system chooses when they are bound. */
function warmUpCorefile(source: string): string {
  return `.:0 {
    bind 127.0.0.1
    errors
    ready 127.0.0.1:0
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        ${source}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus 127.0.0.1:0
    forward . 127.0.0.1:9
    cache 30
    loadbalance
}
`
}

async function startAndStop(corefile: string): Promise<void> {
  const args = [sameCode, ...serverFlags([]), join(dist, 'slicedns.js'), '-conf', corefile]
  const server = spawn(findRuntime().file, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
  let printed = ''
  server.stdout.on('data', (octets) => {
    printed += octets
    // The banner comes when the listeners are open. Before that a thread may be loading koffi, which must not be ended.
    if (/^slicedns-/m.test(printed)) server.kill('SIGTERM')
  })
  const [code] = await once(server, 'exit')
  if (code !== 0) throw new Error(`the built server does not start: exit code ${code}`)
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
