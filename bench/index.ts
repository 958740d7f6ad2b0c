/**
 * npm run bench [-- SECTION… --seconds N --minutes N --services N --endpoints N]
 *
 * One script per claim, each a ratio against a peer in the same run; sections by name, default: all of them.
 * `--seconds` is the length of one measurement. Wants a quiet machine with two cores or more, and the peers of
 * test/support/peers/build.sh; a section whose peers are missing says so and the others run.
 */
import { execFileSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { errorMessage } from '../src/telemetry/error-text.ts'
import type { Context } from './lib/context.ts'
import { thousands } from './lib/numbers.ts'
import { largeCluster } from './lib/objects.ts'
import { openWorld, type World } from './lib/world.ts'

type Section = { run(context: Context): Promise<void> }

const sections: Readonly<Record<string, { readonly claim: string; load(): Promise<Section> }>> = {
  answer: { claim: 'the responder alone, no sockets', load: async () => ({ run: runAnswer }) },
  queries: { claim: 'queries/s on one core, CPU per query', load: () => import('./queries.ts') },
  relay: { claim: 'names outside the cluster, CPU per query', load: () => import('./relay.ts') },
  silent: { claim: 'upstreams that fall silent, and come back', load: () => import('./silent.ts') },
  multisocket: { claim: 'two UDP threads beside one', load: () => import('./multisocket.ts') },
  names: { claim: 'CPU per query against the number of names', load: () => import('./names.ts') },
  doors: { claim: 'DNS over TLS and HTTPS, CPU per query', load: () => import('./doors.ts') },
  signed: { claim: 'signed replies, CPU per query', load: () => import('./signed.ts') },
  zones: { claim: 'zone files, CPU per query, and a million records', load: () => import('./zones.ts') },
  directives: { claim: 'the same beside ten more plugins', load: () => import('./directives.ts') },
  console: { claim: 'the table path with and without the console', load: () => import('./console.ts') },
  forgers: { claim: 'no forged answer is taken', load: () => import('./forgers.ts') },
  freshness: { claim: 'event to answer', load: () => import('./freshness.ts') },
  churn: { claim: 'latency while endpoints change', load: () => import('./churn.ts') },
  gang: { claim: 'event to answer for pods that start together', load: () => import('./gang.ts') },
  cluster: { claim: 'lists and events of the cluster model', load: () => import('./cluster.ts') },
  startup: { claim: 'process start to ready', load: () => import('./startup.ts') },
  crash: { claim: 'a killed server is back from its snapshot', load: () => import('./crash.ts') },
  memory: { claim: 'resident memory', load: () => import('./memory.ts') },
  scrape: { claim: 'cost and size of a scrape of /metrics', load: () => import('./scrape.ts') },
  pod: { claim: 'a pod of 170 MiB survives', load: () => import('./pod.ts') },
  overload: { claim: 'cluster names while outside ones are far too many', load: () => import('./overload.ts') },
  soak: { claim: 'half an hour of everything', load: () => import('./soak.ts') },
  rollout: { claim: 'how long a pod that has left is answered', load: () => import('./rollout.ts') },
  swap: { claim: 'the DNS is replaced, rolled, killed, and clients do not notice', load: () => import('./swap.ts') },
  patterns: { claim: 'regular expressions that are made to be slow', load: () => import('./patterns.ts') },
  clients: { claim: 'gRPC clients after scaling up', load: () => import('./clients.ts') },
  router: { claim: 'how long a router uses an address that is gone', load: () => import('./router-delay.ts') },
}

/** A script of its own: it measures this very process's CPU time. */
async function runAnswer({ seconds, print }: Context): Promise<void> {
  const script = fileURLToPath(new URL('./answer.ts', import.meta.url))
  print(execFileSync(process.execPath, [script, String(seconds / 10)], { encoding: 'utf8' }))
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '10' },
    services: { type: 'string', default: String(largeCluster.services) },
    endpoints: { type: 'string', default: String(largeCluster.endpoints) },
  },
})
const unknown = positionals.filter((name) => !(name in sections))
if (unknown.length > 0) {
  console.error(`no section ${unknown.join(', ')}: there are ${Object.keys(sections).join(', ')}`)
  process.exit(2)
}

const size = { services: Number(values.services), endpoints: Number(values.endpoints) }
let opened: Promise<World> | undefined
const context: Context = {
  size,
  seconds: Number(values.seconds),
  minutes: Number(values.minutes),
  world: () => (opened ??= openWorld(size)),
  print: (text) => console.log(text),
}

const busy = loadavg()[0]!
if (busy > 0.5) console.log(`the machine is busy (load average ${busy.toFixed(1)}): the figures below are worth little`)

let failures = 0
const begin = performance.now()
for (const name of positionals.length > 0 ? positionals : Object.keys(sections)) {
  const { claim, load } = sections[name]!
  console.log(`\n## ${name}: ${claim}`)
  try {
    const section = await load()
    await section.run(context)
  } catch (error) {
    failures++
    console.error(`${name} could not be measured: ${errorMessage(error)}`)
  }
}
await (await opened?.catch(() => undefined))?.stop()
console.log(`\n${thousands((performance.now() - begin) / 1000)} s`)
process.exitCode = failures === 0 ? 0 : 1
