/**
 * `npm run test:hostile -- [--packets 50000000] [--seed N] [--from N] [--seconds N]`: hostile packets against the built server, four of five by UDP, every
 * reply judged. Prints what happens; the last line says it all. Exit code 1 where anything is wrong or missing.
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
  const share = Math.floor(packets / 5)
  print(`seed ${seed}: ${packets} packets from ${from}`)
  const { failures, udp, tcp, bystander, ...rest } = await runFlood({
    seed,
    from,
    udp: packets - share,
    tcp: share,
    seconds,
    recovery: 2_000,
    report: print,
  })
  print(JSON.stringify({ bystander, ...rest }))
  for (const failure of failures) print(`FAILED ${failure}`)
  const asked = Object.values(bystander).reduce((sum, { asked: some = 0 }) => sum + some, 0)
  print(
    `seed ${seed} from ${from}: ${udp.sent} datagrams and ${tcp.sent} messages over ${tcp.connections} connections in ${rest.seconds.toFixed(0)} s, ` +
      `${udp.replies + tcp.replies} replies, ${udp.wrong + tcp.wrong} wrong, ${udp.missing + tcp.missing} missing ` +
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
