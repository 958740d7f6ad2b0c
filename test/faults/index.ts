/**
 * `npm run test:faults -- [--minutes 60] [--seed N]`: faults at random against the built server, every answer judged. Prints what
 * happens, and ends with exit code 1 where an answer was wrong or missing.
 */
import { parseArgs } from 'node:util'
import { runCombined } from './combined.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    rate: { type: 'string', default: '200' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
process.stdout.write(`seed ${seed}\n`)
const { answers, wrong, missing, met, failures } = await runCombined({
  seed,
  rate: Number(values.rate),
  milliseconds: Number(values.minutes) * 60_000,
  threadDiesAfter: 20_000,
  report: (line) => process.stdout.write(`${Math.round(performance.now())} ms: ${line}\n`),
})
for (const [name, count] of [...met].sort((a, b) => b[1] - a[1])) process.stdout.write(`${count} x ${name}\n`)
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`)
process.stdout.write(`seed ${seed}: ${answers} answers, ${wrong} wrong, ${missing} missing\n`)
process.exitCode = failures.length > 0 ? 1 : 0
