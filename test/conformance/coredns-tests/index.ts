/**
 * `node run.js test/conformance/coredns-tests/index.ts [TEST…]`: CoreDNS's own integration tests, with slicedns as the server.
 * They are read from the Go module cache and compiled as they are; process.go starts our process where they start the
 * library. Exit code 1 when a test fails that is not expected to.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peer, without } from '../../support/peers.ts'
import { builtServer, runtime } from '../../support/server.ts'
import { reasons } from './reasons.ts'

const version = 'v1.15.0'
/** Seconds. */
const patience = 300

const here = import.meta.dirname
const environment = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' }
const go = (folder: string, ...words: string[]) =>
  execFileSync('go', words, { cwd: folder, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

// Tests write private keys of zones, which not everybody may read (docs/differences.md).
process.umask(0o027)

/** In caddy.go: process.go has them instead. */
const started = [
  ['func Start(cdyfile Input)', 'func startLibrary(cdyfile Input)'],
  ['func (i *Instance) Stop()', 'func (i *Instance) stopLibrary()'],
  ['func (i *Instance) Restart(', 'func (i *Instance) restartLibrary('],
  ['func (i *Instance) ShutdownCallbacks()', 'func (i *Instance) shutdownLibrary()'],
] as const
/** In plugin/test/scrape.go: a zero parser panics since prometheus/common 0.66, whoever writes the metrics. */
const scraped = [['var parser expfmt.TextParser', 'parser := expfmt.NewTextParser(2)']] as const

/** The tests as a program, and the folder that they run in. */
function compile(folder: string): { readonly program: string; readonly tests: string } {
  const { Dir: library } = JSON.parse(go('/', 'mod', 'download', '-json', `github.com/coredns/coredns@${version}`))
  const core = copy(
    go(library, 'list', '-m', '-f', '{{.Dir}}', 'github.com/coredns/caddy').trim(),
    join(folder, 'caddy'),
  )
  const coredns = copy(library, join(folder, 'coredns'))
  edit(join(core, 'caddy.go'), started)
  edit(join(coredns, 'plugin/test/scrape.go'), scraped)
  copyFileSync(join(here, 'process.go'), join(core, 'process.go'))
  copyFileSync(join(here, 'hooks_test.go'), join(coredns, 'test/hooks_test.go'))
  go(coredns, 'mod', 'edit', '-replace', `github.com/coredns/caddy=${core}`)
  const program = join(folder, 'tests')
  go(coredns, 'test', '-trimpath', '-vet=off', '-tags=etcd', '-c', '-o', program, './test')
  return { program, tests: join(coredns, 'test') }
}

/** The module cache may not be written to. */
function copy(from: string, to: string): string {
  cpSync(from, to, { recursive: true })
  execFileSync('chmod', ['-R', 'u+w', to])
  return to
}

function edit(file: string, replacements: readonly (readonly [from: string, to: string])[]): void {
  let text = readFileSync(file, 'utf8')
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} has no '${from}'`)
    text = text.replace(from, to)
  }
  writeFileSync(file, text)
}

/** Resolvers of the internet that some of the tests ask. */
const resolvers = ['8.8.8.8', '8.8.4.4']
const resolverCorefile = `.:53 {
  bind ${resolvers.join(' ')}
  template IN A {
    answer "{{ .Name }} 60 IN A 93.184.216.34"
  }
}
`

/**
 * In a network of its own, where nothing but the loopback is, with the resolvers and, for the tests of `etcd`, the etcd that they ask:
 * both are the real ones, and end with the test.
 */
function runTest(name: string, program: string, tests: string): { readonly passed: boolean; readonly output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'coredns-test-'))
  writeFileSync(join(folder, 'resolvers'), resolverCorefile)
  const script = [
    'ip link set lo up',
    ...resolvers.map((address) => `ip addr add ${address}/32 dev lo`),
    `${peer('coredns')} -conf ${folder}/resolvers >${folder}/resolvers.log 2>&1 &`,
    ...(name.startsWith('TestEtcd')
      ? [
          `${peer('etcd')} --data-dir ${folder}/etcd >${folder}/etcd.log 2>&1 &`,
          `timeout 30 sh -c "until grep -q 'ready to serve' ${folder}/etcd.log; do sleep 0.1; done"`,
        ]
      : []),
    '"$@"',
  ]
  const [first, ...words] = [
    ...['unshare', '--net', '--pid', '--mount-proc', '--fork', '--kill-child', 'sh', '-c', script.join('\n'), 'sh'],
    ...[program, `-test.run=^${name}$`, '-test.v', `-test.timeout=${patience}s`],
  ]
  const { status, stdout, stderr } = spawnSync(first!, words, { cwd: tests, encoding: 'utf8', env: server() })
  rmSync(folder, { recursive: true, force: true })
  return { passed: status === 0 && !/^--- SKIP/m.test(stdout), output: stdout + stderr }
}

function server(): NodeJS.ProcessEnv {
  const [, name, number] = /^(\w+)-(\S+)/.exec(execFileSync(runtime, [builtServer, '-version'], { encoding: 'utf8' }))!
  return {
    ...environment,
    SLICEDNS_COMMAND: `${runtime}\n${builtServer}`,
    SLICEDNS_NAME: name,
    SLICEDNS_VERSION: number,
  }
}

function main(chosen: readonly string[]): number {
  const missing = without('coredns', 'etcd')
  if (missing !== false) throw new Error(missing)
  const folder = mkdtempSync(join(tmpdir(), 'coredns-tests-'))
  try {
    const { program, tests } = compile(folder)
    const all = execFileSync(program, ['-test.list=^Test'], { cwd: tests, encoding: 'utf8' }).split('\n')
    const names = all.filter((name) => name.startsWith('Test') && (chosen.length === 0 || chosen.includes(name)))
    const counts = { passed: 0, expected: 0, failed: 0 }
    for (const name of names) {
      const reason = reasons[name]
      const { passed, output } = runTest(name, program, tests)
      counts[passed ? 'passed' : reason === undefined ? 'failed' : 'expected']++
      process.stdout.write(
        `${passed ? 'pass' : 'FAIL'} ${name}${passed || reason === undefined ? '' : `: ${reason}`}\n`,
      )
      if (!passed && (reason === undefined || chosen.length > 0)) process.stdout.write(output.replaceAll(/^/gm, '  '))
    }
    process.stdout.write(`${counts.passed} pass, ${counts.expected} fail as expected, ${counts.failed} fail\n`)
    return counts.failed > 0 ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2))
