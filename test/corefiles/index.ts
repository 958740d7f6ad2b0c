/**
 * `npm run corefiles [answers|tour|pairs] [NAME…]`: the Corefiles of other projects, unchanged, in a network of their own.
 * `answers` (the default) asks CoreDNS and slicedns the same questions; `tour` reloads through all of them, and `pairs`
 * from each into each other one (20 minutes), under constant queries.
 */
import { cannotRun, run } from './isolated.ts'

const [what = 'answers', ...names] = process.argv.slice(2)
const reason = cannotRun()
if (reason) throw new Error(reason)
let failures = 0

function report(title: string, problems: readonly string[]): void {
  process.stdout.write(`${title}${problems.length > 0 ? `, ${problems.length} wrong` : ''}\n`)
  for (const problem of problems.slice(0, 5)) process.stdout.write(`  ${problem.replaceAll('\n', '\n  ')}\n`)
  if (problems.length > 0) failures++
}

if (what === 'tour' || what === 'pairs') {
  let reloads = 0
  let questions = 0
  for await (const { from, to, took, asked, wrong } of run(what, names)) {
    reloads++
    questions += asked
    report(`${from} -> ${to}: ${took} ms, ${asked} questions`, wrong)
  }
  process.stdout.write(`${reloads} reloads under ${questions} questions, ${failures} of them with a wrong answer\n`)
} else {
  let questions = 0
  for await (const compared of run('answers', names)) {
    questions += compared.questions
    report(`${compared.name}: ${compared.questions} questions`, compared.differences)
  }
  process.stdout.write(`${questions} questions, ${failures} Corefiles with an unexplained difference\n`)
}
process.exitCode = failures > 0 ? 1 : 0
