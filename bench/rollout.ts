/**
 * Claim: a pod that is ready no longer is not answered any more, whatever cache is in front, and pods that start together find each
 * other by their first query. A real control plane rolls a headless Deployment of 20; a watch of its own is the judge.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { startControlPlane } from '../test/support/control-plane.ts'
import { controllerPrograms, nodeObject, startControllers } from '../test/support/controllers.ts'
import { type Answer, openClient, startAsker } from '../test/support/judge/asker.ts'
import { type State, watchHistory } from '../test/support/judge/history.ts'
import { peer } from '../test/support/peers.ts'
import { until } from '../test/support/until.ts'
import { createHeadless, createNamespace, createWorkload, namespace, type Workload } from '../test/support/workloads.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, percentile, table, thousands } from './lib/numbers.ts'
import { otherCores } from './lib/process.ts'
import { installed, type Server, startServer, untilReady } from './lib/servers.ts'

const replicas = 20
const rolls = 5
/** Milliseconds between a reply and the next query: some 250 a second. */
const pause = 4
/** Milliseconds after the last roll in which an old address may still be answered: CoreDNS keeps it for the TTL. */
const patience = 10_000
const pods = { ready: [200, 1000], gone: [200, 2000], done: [1000, 2000] } as const
const peers = 8
const kinds = ['slicedns threads', 'coredns'] as const

const hostOf = (service: string): string => `${service}.${namespace}.svc.cluster.local`

export async function run({ print }: Context): Promise<void> {
  const missing = [...controllerPrograms, 'kwok'].filter((name) => peer(name) === undefined)
  if (missing.length > 0) throw new Error(`${missing.join(', ')} not found: run test/support/peers/build.sh`)
  const plane = await startControlPlane({ cores: otherCores })
  const controllers = await startControllers(plane, { cores: otherCores, pods })
  const servers: Server[] = []
  try {
    await plane.request('POST', '/api/v1/nodes', nodeObject('node-a'))
    await createNamespace(plane)
    await createHeadless(plane, 'web')
    await createHeadless(plane, 'rank', {
      annotations: { 'slicedns.io/hold': '3s' },
      publishNotReadyAddresses: true,
    })
    const kubeconfig = plane.kubeconfig(plane.adminToken)
    const corefile = kubeadmCorefile({ kubeconfig, upstream: '127.0.0.1:9', cache: 'plain' })
    for (const kind of kinds.filter(installed)) servers.push(await startServer(kind, { corefile }))
    for (const server of servers) await untilReady(server)

    const web = await createWorkload(plane, 'Deployment', 'web', { replicas })
    await web.settled()
    const { states, asked } = await roll(plane, web, servers)
    print(
      `a headless Deployment of ${replicas} is rolled ${rolls} times; from when an address is ready no longer, as the judge`,
    )
    print('sees it, to when the last query was sent that is answered with it; plain `cache 30`, ttl 30')
    print(
      table(
        ['server', 'queries', 'addresses that left', 'still answered', 'p50 ms', 'p99 ms', 'max ms'],
        servers.map((server, at) => {
          const answers = asked[at]!
          const stale = stalenessOf(states, answers)
          const count = answers.reduce((sum, each) => sum + each.count, 0)
          const late = stale.filter((each) => each > 0).length
          const shares = [0.5, 0.99, 1].map((share) => millis(percentile(stale, share)))
          return [server.name, thousands(count), thousands(stale.length), thousands(late), ...shares]
        }),
      ),
    )

    const rank = await createWorkload(plane, 'StatefulSet', 'rank', {
      replicas: 0,
      serviceName: 'rank',
      podManagementPolicy: 'Parallel',
    })
    await rank.settled()
    const scaled = rank.scale(peers)
    const found = await Promise.all(servers.map(findPeers))
    await scaled
    print(
      `a StatefulSet is scaled from 0 to ${peers}, and each peer is asked for once, at once; the Service has hold: 3s`,
    )
    print(
      table(
        ['server', 'found by the first query'],
        servers.map(({ name }, at) => [name, `${found[at]} of ${peers}`]),
      ),
    )
  } finally {
    for (const server of servers) await server.stop()
    await controllers.stop()
    await plane.stop()
  }
}

async function roll(plane: Parameters<typeof watchHistory>[0], web: Workload, servers: readonly Server[]) {
  const history = await watchHistory(plane, namespace)
  const askers = await Promise.all(servers.map(({ ports }) => startAsker(ports.dns, pause)))
  const question = `${hostOf('web')} A`
  for (const asker of askers) asker.ask(question)
  for (let count = 0; count < rolls; count++) {
    await web.restart()
    await web.settled()
    await until(() => {
      if (history.now('web').length !== replicas) throw new Error('pods still come or go')
    })
  }
  await delay(patience)
  for (const asker of askers) await asker.stop()
  history.close()
  return { states: history.states('web'), asked: askers.map((asker) => asker.answers(question)) }
}

/**
 * For each address that left: milliseconds until the last query, of those from then on, before one was answered without it. (An
 * address soon is another pod's, and the server may know it before the judge does.)
 */
function stalenessOf(states: readonly State[], answers: readonly Answer[]): number[] {
  const leaving = states.flatMap(({ at, ready }, index) => {
    const now = new Set(ready.map(({ address }) => address))
    const before = states[index - 1]?.ready ?? []
    return before.filter(({ address }) => !now.has(address)).map(({ address }) => ({ address, at }))
  })
  return leaving.map(({ address, at }) => {
    const since = answers.filter(({ lastAskedAt }) => lastAskedAt > at)
    const without = since.findIndex(({ answer }) => !answer.includes(address))
    const last = without < 0 ? since.at(-1) : since[without - 1]
    return last === undefined ? 0 : last.lastAskedAt - at
  })
}

async function findPeers({ ports }: Server): Promise<number> {
  const client = await openClient(ports.dns)
  const names = Array.from({ length: peers }, (_, pod) => `rank-${pod}.${hostOf('rank')} A`)
  const replies = await Promise.all(names.map((name) => client.exchange(name)))
  client.close()
  return replies.filter((reply) => reply !== undefined && reply.answer.length > 0).length
}
