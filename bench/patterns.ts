/**
 * Claim: no pattern of a Corefile can stop the server. Fifty patterns that are made to be slow take less than a millisecond
 * each on a name of 250 octets that is made for them, where V8's own engine is given up after a second; ordinary rules
 * are measured beside V8's engine, which takes them without harm.
 */
import { execFileSync } from 'node:child_process'
import { compilePattern, StepsError } from '../src/regexp/index.ts'
import { evilPatterns } from '../test/support/evil-patterns.ts'
import type { Context } from './lib/context.ts'
import { millis, percentile, ratio, table } from './lib/numbers.ts'

/** Rules as they stand in Corefiles, each with a name that it is about and one that it is not. */
const ordinary: readonly (readonly [pattern: string, about: string, other: string])[] = [
  ['(.*)\\.svc\\.example\\.org\\.$', 'web.default.svc.example.org.', 'www.example.com.'],
  ['^api-(.*)\\.example\\.org\\.$', 'api-17.example.org.', 'web.default.svc.cluster.local.'],
  ['^(.+)\\.(.+)\\.svc\\.cluster\\.local\\.$', 'web.default.svc.cluster.local.', 'www.example.com.'],
  ['^ip-([0-9]+)-([0-9]+)-([0-9]+)-([0-9]+)\\.ec2\\.internal\\.$', 'ip-10-0-0-1.ec2.internal.', 'a.ec2.internal.'],
  ['(.*)-(us-west-1)\\.coredns\\.rocks', 'ftp-us-west-1.coredns.rocks.', 'ftp-us-east-1.coredns.rocks.'],
  ['^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.test\\.$', 'a-long-label-of-this-test.test.', 'a-label-.test.'],
  ['^.* i/o timeout$', 'read udp 10.0.0.1:53: i/o timeout', 'connection refused'],
]

/** Milliseconds of one call, the fastest of so many: what else runs here is not measured. */
function fastest(call: () => void, times: number): number {
  const taken: number[] = []
  for (let time = 0; time < times; time++) {
    const started = performance.now()
    call()
    taken.push(performance.now() - started)
  }
  return Math.min(...taken)
}

/** The same for one of a thousand calls, once the engine has compiled what it runs. */
function each(call: () => void): number {
  const thousand = (): void => {
    for (let time = 0; time < 1000; time++) call()
  }
  return fastest(thousand, 20) / 1000
}

export async function run({ print }: Context): Promise<void> {
  const rows = ordinary.flatMap(([source, about, other]) => {
    const ours = compilePattern(source)
    const v8 = new RegExp(source)
    return [about, other].map((name) => {
      const [mine, peer] = [each(() => ours.exec(name)), each(() => v8.exec(name))]
      return [source, name, (mine * 1000).toFixed(2), (peer * 1000).toFixed(2), ratio(mine / peer)]
    })
  })
  print(table(['ordinary rule', 'name', 'µs', 'V8 µs', ''], rows))

  const evil = evilPatterns.map(({ pattern, name }) => {
    const compiled = compilePattern(pattern)
    let outcome = 'no match'
    const search = (): void => {
      try {
        compiled.exec(name)
      } catch (error) {
        if (!(error instanceof StepsError)) throw error
        outcome = 'refused'
      }
    }
    return { pattern, milliseconds: fastest(search, 30), compile: fastest(() => compilePattern(pattern), 3), outcome }
  })
  const slowest = [...evil].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 10)
  const of = (values: readonly number[]) =>
    `median ${millis(percentile(values, 0.5))}, largest ${millis(Math.max(...values))} ms`
  print(`\n${evil.length} patterns that are made to be slow, names of 250 octets`)
  print(`search: ${of(evil.map(({ milliseconds }) => milliseconds))}`)
  print(`compile: ${of(evil.map(({ compile }) => compile))}`)
  print(
    table(
      ['the slowest', 'ms', 'outcome'],
      slowest.map(({ pattern, milliseconds, outcome }) => [pattern, millis(milliseconds), outcome]),
    ),
  )
  const stopped = evilPatterns.slice(0, 12).filter(({ pattern, name }) => stopsV8(pattern, name))
  print(`V8's engine was given up after a second on ${stopped.length} of the first 12.`)
}

/** In a process of its own: an engine that runs away cannot be interrupted. */
function stopsV8(pattern: string, name: string): boolean {
  try {
    const script = 'new RegExp(process.argv[1]).exec(process.argv[2])'
    execFileSync(process.execPath, ['-e', script, pattern, name], {
      timeout: 1000,
      killSignal: 'SIGKILL',
      stdio: 'ignore',
    })
    return false
  } catch {
    return true
  }
}
