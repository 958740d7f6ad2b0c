/** `slicedns discover`: what a Service has, by DNS alone: its addresses, its ports, its pods by ordinal. */
import { type as recordType } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Answer, type Server, serverText } from './answer.ts'
import { type Command, type Io, jsonFlags, printExit, wantsJson } from './args.ts'
import { exitCode } from './exit-codes.ts'
import { findServer, type LookupArgs, lookupFlags, parseLookup, serviceFlags } from './lookup-args.ts'
import { lookUp } from './lookup-client.ts'
import { table } from './show.ts'

const command: Command = {
  usage: 'slicedns discover SERVICE [-n NAMESPACE] [@SERVER] [-p PORT] [--json]',
  flags: { ...serviceFlags, ...lookupFlags, ...jsonFlags('Print what is found as JSON') },
  examples: ['slicedns discover worker -n ml', 'slicedns discover db.shop.svc.cluster.local --json'],
}

/** A StatefulSet has at most so many pods that are asked for. */
const mostPods = 10_000

interface Discovered {
  readonly name: string
  readonly server: string
  readonly addresses: readonly string[]
  readonly ports: readonly { readonly port: number; readonly targets: number }[]
  /** From ordinal 0 to the first that has no address. */
  readonly pods: readonly { readonly name: string; readonly addresses: readonly string[] }[]
}

/** Exit code 0: something is found; 3: the name does not exist; 4: it has nothing; 1: no reply; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args, command, false)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  try {
    const server = await findServer(lookup)
    const { found, exists } = await discover(lookup, server)
    if (wantsJson(lookup.args)) io.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`)
    else io.stdout.write(exists ? text(found) : `${found.name} does not exist at ${found.server} (NXDOMAIN)\n`)
    if (!exists) return exitCode.nameMissing
    return found.addresses.length + found.ports.length > 0 ? exitCode.found : exitCode.noRecord
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return exitCode.noReply
  }
}

async function discover({ question, options }: LookupArgs, server: Server) {
  const { name } = question
  const ask = (owner: string, kind: 'A' | 'AAAA' | 'SRV'): Promise<Answer> =>
    lookUp({ name: owner, type: recordType[kind] }, server, options)
  const addressesOf = (answers: readonly Answer[]): string[] =>
    answers.flatMap(({ answer }) => answer.flatMap(({ type, data }) => (type === 'A' || type === 'AAAA' ? [data] : [])))
  const both = (owner: string): Promise<Answer[]> => Promise.all([ask(owner, 'A'), ask(owner, 'AAAA')])

  const [own, services] = await Promise.all([both(name), ask(name, 'SRV')])
  const ports = new Map<number, number>()
  for (const { type, data } of services.answer) {
    if (type !== 'SRV') continue
    const port = Number(data.split(' ')[2])
    ports.set(port, (ports.get(port) ?? 0) + 1)
  }
  const service = name.split('.')[0]
  const pods: { name: string; addresses: string[] }[] = []
  for (; pods.length < mostPods; ) {
    const pod = `${service}-${pods.length}.${name}`
    const addresses = addressesOf(await both(pod))
    if (addresses.length === 0) break
    pods.push({ name: pod, addresses })
  }
  const found: Discovered = {
    name,
    server: serverText(server),
    addresses: addressesOf(own),
    ports: [...ports].map(([port, targets]) => ({ port, targets })),
    pods,
  }
  return { found, exists: own.some(({ rcode }) => rcode !== 'NXDOMAIN') }
}

function text({ name, server, addresses, ports, pods }: Discovered): string {
  const rows = [
    ...addresses.map((address) => ['address', address]),
    ...ports.map(({ port, targets }) => ['port', `${port} (${targets} ${targets === 1 ? 'target' : 'targets'})`]),
    ...pods.map((pod) => ['pod', `${pod.name} ${pod.addresses.join(' ')}`]),
  ]
  return `${name} at ${server}\n${rows.length > 0 ? table(rows) : 'no address, port or pod\n'}`
}
