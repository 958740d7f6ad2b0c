/** `slicedns discover`: lists a Service's addresses, ports and pods (by ordinal), using DNS alone. */
import { type as recordType } from '../dns/codes.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { type Answer, type Server, serverText } from './answer.ts'
import { type Command, type Io, jsonFlags, printExit, wantsJson } from './args.ts'
import { exitCode } from './exit-codes.ts'
import { findServer, type LookupArgs, lookupFlags, parseLookup, serviceFlags } from './lookup-args.ts'
import { lookUp } from './lookup-client.ts'
import { type NamedPort, namedPorts } from './port-names.ts'
import { createProgress, type Progress } from './progress.ts'
import { table } from './show.ts'

const { x: _, ...flags } = lookupFlags

const command: Command = {
  subject: 'SERVICE',
  usage: 'slicedns discover SERVICE [-n NAMESPACE] [--ports NAME,...] [@SERVER] [-p PORT] [--json]',
  flags: {
    ports: { value: 'NAME,...', help: 'Names of ports to look for beside the usual ones: DNS does not list them' },
    ...serviceFlags,
    ...flags,
    ...jsonFlags('Print what is found as JSON'),
  },
  examples: ['slicedns discover worker -n ml', 'slicedns discover db.shop.svc.cluster.local --json'],
}

/** Maximum pods of a StatefulSet that are looked up. */
const mostPods = 10_000

interface Discovered {
  readonly name: string
  readonly server: string
  readonly addresses: readonly string[]
  readonly ports: readonly NamedPort[]
  /** For each StatefulSet: from ordinal 0 to the first without an address. */
  readonly pods: readonly { readonly name: string; readonly addresses: readonly string[] }[]
}

/** Exit code 0: something was found; 3: the name does not exist; 4: it has nothing; 1: no reply; 2: invalid command line. */
export async function run(args: string[], io: Io): Promise<number> {
  const lookup = parseLookup(args, command, false)
  if (lookup.kind === 'exit') return printExit(lookup, io)
  const progress = createProgress(io)
  try {
    const server = await findServer(lookup)
    const { found, exists } = await discover(lookup, server, progress)
    progress.clear()
    if (wantsJson(lookup.args)) io.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`)
    else io.stdout.write(exists ? text(found) : `${found.name} does not exist at ${found.server} (NXDOMAIN)\n`)
    if (!exists) return exitCode.nameMissing
    return found.addresses.length + found.ports.length > 0 ? exitCode.found : exitCode.noRecord
  } catch (error) {
    progress.clear()
    io.stderr.write(`${errorMessage(error)}\n`)
    return exitCode.noReply
  }
}

async function discover({ question, options, args }: LookupArgs, server: Server, progress: Progress) {
  const { name } = question
  const ask = (owner: string, kind: 'A' | 'AAAA' | 'SRV'): Promise<Answer> =>
    lookUp({ name: owner, type: recordType[kind] }, server, options)
  const addressesOf = (answers: readonly Answer[]): string[] =>
    answers.flatMap(({ answer }) => answer.flatMap(({ type, data }) => (type === 'A' || type === 'AAAA' ? [data] : [])))
  const both = (owner: string): Promise<Answer[]> => Promise.all([ask(owner, 'A'), ask(owner, 'AAAA')])

  const [own, services] = await Promise.all([both(name), ask(name, 'SRV')])
  progress.show(`looking for the names of the ports of ${name}`)
  const extra = args.given.get('ports')?.split(',').filter(Boolean) ?? []
  const ports = await namedPorts(name, services.answer, extra, (owner) => ask(owner, 'SRV'))
  const pods: { name: string; addresses: string[] }[] = []
  for (const set of statefulSets(name, services))
    for (let ordinal = 0; pods.length < mostPods; ordinal++) {
      const pod = `${set}-${ordinal}.${name}`
      progress.show(`looking for the pods of ${name}: ${pod}`)
      const addresses = addressesOf(await both(pod))
      if (addresses.length === 0) break
      pods.push({ name: pod, addresses })
    }
  const found: Discovered = {
    name,
    server: serverText(server),
    addresses: addressesOf(own),
    ports,
    pods,
  }
  return { found, exists: own.some(({ rcode }) => rcode !== 'NXDOMAIN') }
}

/** The names of its targets without their ordinals; the Service's own name if no target has one. */
function statefulSets(name: string, { answer }: Answer): string[] {
  const sets = answer.flatMap(({ type, data }) => {
    const target = type === 'SRV' ? (data.split(' ')[3] ?? '') : ''
    const set = /^([^.]+)-\d+\./.exec(target)?.[1]
    return set !== undefined && target.endsWith(`.${name}`) ? [set] : []
  })
  return sets.length > 0 ? [...new Set(sets)].sort() : [name.split('.')[0]]
}

function portText({ name, protocol, port, targets }: NamedPort): string {
  const words = [name || '(name not known)', protocol].filter(Boolean).join('/')
  return `${words} ${port} (${targets} ${targets === 1 ? 'target' : 'targets'})`
}

function text({ name, server, addresses, ports, pods }: Discovered): string {
  const rows = [
    ...addresses.map((address) => ['address', address]),
    ...ports.map((port) => ['port', portText(port)]),
    ...pods.map((pod) => ['pod', `${pod.name} ${pod.addresses.join(' ')}`]),
  ]
  return `${name} at ${server}\n${rows.length > 0 ? table(rows) : 'no address, port or pod\n'}`
}
