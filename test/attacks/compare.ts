/**
 * The attacks against slicedns and, where they have a meaning there, against CoreDNS, each in a memory cgroup of 170 MiB:
 *
 *   node run.js test/attacks/compare.ts [FINDING…]      needs root, a build, and coredns as of test/support/peers/build.sh
 *
 * Prints the table that docs/reliability.md begins with.
 */
import { peer } from '../support/peers.ts'
import { type Attack, type Contender, type Report, runAttack } from './arena.ts'
import { attacks } from './list.ts'
import { milliseconds } from './verdict.ts'

const wanted = process.argv.slice(2).map(Number)
const coredns = peer('coredns')
if (coredns === undefined) throw new Error('coredns is missing: test/support/peers/build.sh')

const contenders: readonly Contender[] = [
  { name: 'slicedns', command: undefined },
  { name: 'CoreDNS', command: [coredns] },
]

console.log('| finding | attack | slicedns | CoreDNS |\n| --- | --- | --- | --- |')
for (const attack of attacks.filter(({ finding }) => wanted.length === 0 || wanted.includes(finding))) {
  const cells: string[] = []
  for (const contender of contenders) cells.push(await cell(attack, contender))
  console.log(`| ${attack.finding} | ${attack.title} | ${cells.join(' | ')} |`)
}

async function cell(attack: Attack, contender: Contender): Promise<string> {
  if (contender.command !== undefined && attack.onlySlicedns) return '–'
  try {
    return figures(await runAttack(attack, contender))
  } catch (error) {
    return `did not start: ${error instanceof Error ? error.message.split('\n')[0] : error}`
  }
}

/** `117 MiB; table 15 ms, chain 25 ms, /health 33 ms; normal after 2 s; SIGTERM 1.0 s`. */
function figures({ died, residentPeak, during, after, shutdown }: Report): string {
  const memory = `${residentPeak.toFixed(0)} MiB`
  if (died !== undefined) return `**${died}**, ${memory}`
  const { table, chain, health, tcp, forwarded } = during
  const answers = `table ${milliseconds(table)}, chain ${milliseconds(chain)}, /health ${milliseconds(health)}, forwarded ${milliseconds(forwarded)}, TCP ${milliseconds(tcp)}`
  const late = Object.entries(after).filter(([, { lost }]) => lost > 0)
  const later = late.length === 0 ? 'normal 2 s after' : `2 s after: no ${late.map(([kind]) => kind).join(', ')}`
  return [
    memory,
    answers,
    later,
    shutdown === undefined ? 'SIGTERM: not ended' : `SIGTERM ${shutdown.toFixed(1)} s`,
  ].join('; ')
}
