/**
 * `npm run test:faults -- [--minutes 60] [--seed N] [--server slicedns|coredns]`: faults at random against the built server, every
 * answer judged. Prints what happens, and ends with exit code 1 where an answer was wrong or missing.
 *
 * `--each N` instead makes every fault happen N times alone, to both servers, and prints a table; `--only PATTERN` of those whose
 * name matches. CoreDNS is measured, not tested: the rest is judged after a failure, and the exit code is 0. `--cache kubeadm`
 * keeps cluster names out of the cache of both.
 */
import { readCommandLine } from '../support/command-line.ts'
import { runCombined } from './combined.ts'
import { type Row, runEach } from './each.ts'
import type { Counts } from './judge.ts'
import { type ServerName, serverNames } from './servers.ts'

const { values } = readCommandLine(
  'npm run test:faults -- [--minutes N] [--seed N] [--rate N] [--server slicedns|coredns] [--cache plain|kubeadm] [--each N [--only PATTERN]]',
  {
    minutes: 'number',
    seed: 'whole',
    rate: 'whole',
    server: serverNames,
    cache: ['plain', 'kubeadm'],
    each: 'whole',
    only: 'pattern',
  },
)
const { minutes = 5, seed = Math.floor(Math.random() * 1e9), rate = 200 } = values
const cache = values.cache?.at(-1) === 'kubeadm' ? 'kubeadm' : 'plain'
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const servers = serverNames.filter((name) =>
  (values.server ?? (values.each ? serverNames : ['slicedns'])).includes(name),
)

const seconds = (milliseconds: number): string =>
  milliseconds === Number.POSITIVE_INFINITY ? 'not within 75 s' : `${(milliseconds / 1000).toFixed(1)} s`

function described(counts: Counts): string {
  const { answers, wrong, failed, lost, missing, crashes, oldest, recovery } = counts
  return (
    `${answers} answers: ${wrong} wrong, ${failed} SERVFAIL, ${lost} lost to one try, ${missing} missing${crashes > 0 ? `, ${crashes} crashes` : ''}; ` +
    `the oldest ${seconds(oldest)}; right again after ${seconds(recovery)} at most`
  )
}

async function each(times: number): Promise<void> {
  const rows = new Map<string, string[]>()
  for (const of of servers) {
    const matching = values.only ?? /./
    for await (const { name, outcome } of runEach({ seed, rate, cache, of, times, matching, goesOn: true })) {
      const text = typeof outcome === 'string' ? outcome : described(outcome)
      print(`${of}, ${name}: ${text}`)
      rows.set(name, [...(rows.get(name) ?? []), cell(outcome)])
    }
  }
  print(`\n| fault | ${servers.join(' | ')} |\n| --- |${' --- |'.repeat(servers.length)}`)
  for (const [name, cells] of rows) print(`| ${name} | ${cells.join(' | ')} |`)
}

function cell(outcome: Row['outcome']): string {
  if (typeof outcome === 'string') return outcome
  const { wrong, failed, missing, crashes, oldest, recovery } = outcome
  const suffered = [
    [wrong, 'wrong'],
    [failed, 'SERVFAIL'],
    [missing, 'missing'],
    [crashes, 'crashes'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))
  return `${suffered.join(', ') || '0'}; ${seconds(oldest)}; ${seconds(recovery)}`
}

async function combined(of: ServerName): Promise<boolean> {
  const { met, failures, ...counts } = await runCombined({
    of,
    seed,
    rate,
    cache,
    goesOn: of !== 'slicedns',
    milliseconds: minutes * 60_000,
    threadDiesAfter: '20000 300 20 20000 20000 5000 20000 20000 20000 20000 20000 20000',
    report: (line) => print(`${Math.round(performance.now())} ms: ${line}`),
  })
  for (const [name, count] of [...met].sort((a, b) => b[1] - a[1])) print(`${count} x ${name}`)
  for (const failure of failures) print(`FAILED ${failure}`)
  print(`${of}, seed ${seed}: ${described(counts)}`)
  return of !== 'slicedns' || failures.length === 0
}

print(`seed ${seed}`)
if (values.each) await each(values.each)
else for (const of of servers) if (!(await combined(of))) process.exitCode = 1
