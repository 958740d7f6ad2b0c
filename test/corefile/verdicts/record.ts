/**
 * `npm run verdicts -- [--anew] [SUBJECT...]`: asks the real CoreDNS for its verdict on each Corefile of the generator that is not
 * recorded, or `--anew` on all, and writes them down. 8,000 take four minutes on two idle cores.
 */
import { cpus } from 'node:os'
import { peer } from '../../support/peers.ts'
import { ask, createWorkplace, type Verdict } from './coredns.ts'
import { readRecorded, samplesOf, subjects, writeRecorded } from './recorded.ts'

const coredns = peer('coredns')
if (coredns === undefined) throw new Error('CoreDNS is not on PATH: test/support/peers/build.sh builds it')
const named = process.argv.slice(2).filter((word) => word !== '--anew')
const anew = process.argv.includes('--anew')
for (const subject of named.length > 0 ? named : subjects) {
  const samples = samplesOf(subject)
  if (samples === undefined) continue
  // Some directives make files, whose names are other samples' words.
  const workplace = createWorkplace()
  const known = anew ? new Map<string, Verdict>() : readRecorded(subject)
  const asked = new Map<string, Verdict>()
  const open = samples.filter(({ key }) => !known.has(key))
  const worker = async (number: number): Promise<void> => {
    for (let sample = open.pop(); sample !== undefined; sample = open.pop())
      asked.set(sample.key, await ask(coredns, sample.corefile, workplace, `Corefile${number}`))
  }
  await Promise.all(cpus().map((_, number) => worker(number)))
  workplace.remove()
  const verdicts = new Map(samples.map(({ key }) => [key, known.get(key) ?? asked.get(key)!]))
  writeRecorded(subject, verdicts)
  const accepted = [...verdicts.values()].filter((verdict) => verdict.accepted).length
  process.stdout.write(`${subject}: ${accepted} of ${verdicts.size} accepted, ${asked.size} asked\n`)
}
