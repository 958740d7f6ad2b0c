/**
 * `npm run test:hostile -- [--packets 50000000] [--seed N] [--from N] [--seconds N]`: hostile packets against the built server, four of five by UDP, most others by
 * TCP, one in a hundred each by DNS over TLS, HTTPS and gRPC, every reply judged. Prints what happens; the last line says it all. Exit code 1 where anything is wrong or missing.
 *
 * With `--compare N` the first N packets of the seed go to the real CoreDNS and to the built server, and what is answered in
 * another way is printed; exit code 1 where docs/differences.md has no reason for it.
 */
import { readCommandLine } from '../../support/command-line.ts'
import { compareWithCoreDns } from './beside-coredns.ts'
import { runFlood } from './run.ts'

const { values } = readCommandLine(
  'npm run test:hostile -- [--packets N] [--seed N] [--from N] [--seconds N] | --compare N [--seed N]',
  { packets: 'whole', from: 'whole', seconds: 'whole', seed: 'whole', compare: 'whole' },
)
const { packets: wanted = 1_000_000, from = 0, seconds = 0, seed = Math.floor(Math.random() * 1e9) } = values
const print = (line: string) => process.stdout.write(`${line}\n`)

process.exitCode = values.compare === undefined ? await flood(wanted) : await compare(values.compare)

async function flood(packets: number): Promise<number> {
  const share = Math.floor(packets / 100)
  const shares = { tcp: 17 * share, dot: share, https: share, grpc: share }
  print(`seed ${seed}: ${packets} packets from ${from}`)
  const { failures, ways, bystander, ...rest } = await runFlood({
    seed,
    from,
    packets: { udp: packets - 20 * share, ...shares },
    seconds,
    recovery: 2_000,
    report: print,
  })
  print(JSON.stringify({ bystander, ...rest }))
  for (const failure of failures) print(`FAILED ${failure}`)
  const sum = (what: 'replies' | 'refused' | 'wrong' | 'missing') =>
    Object.values(ways).reduce((all, counts) => all + counts[what], 0)
  const { udp: _, ...connected } = ways
  const streams = Object.entries(connected)
    .map(([way, { sent, connections }]) => `${sent} messages over ${connections} connections (${way})`)
    .join(', ')
  const asked = Object.values(bystander).reduce((all, { asked: some = 0 }) => all + some, 0)
  print(
    `seed ${seed} from ${from}: ${ways.udp.sent} datagrams, ${streams} in ${rest.seconds.toFixed(0)} s, ` +
      `${sum('replies')} replies, ${sum('refused')} requests refused, ${sum('wrong')} wrong, ${sum('missing')} missing ` +
      `(${rest.drops} dropped by the kernel), ${asked} questions of a bystander, ${failures.length} failures`,
  )
  return failures.length > 0 ? 1 : 0
}

async function compare(packets: number): Promise<number> {
  print(`seed ${seed}: ${packets} packets, to CoreDNS too`)
  const { equal, meant, unexplained, ...rest } = await compareWithCoreDns(seed, packets)
  for (const difference of unexplained) print(difference)
  for (const [reason, count] of meant) print(`${count} x ${reason}`)
  print(`seed ${seed}: ${rest.packets} replies, ${equal} equal, ${unexplained.length} differences without a reason`)
  return unexplained.length > 0 ? 1 : 0
}
