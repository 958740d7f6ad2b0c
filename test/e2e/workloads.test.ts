/**
 * Deployments, StatefulSets and Jobs on a real control plane roll, scale, fail their readiness and end, while their names are asked
 * for without a pause through a plain `cache 30`. The judge is a watch of its own: each answer must be what the API server said at
 * some moment, none older than the answer before it, and the last one what is true at the end.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { kubeadmCorefile } from '../../bench/lib/corefile.ts'
import { type ControlPlane, controlPlanePrograms, startControlPlane } from '../support/control-plane.ts'
import { type Controllers, controllerPrograms, nodeObject, startControllers } from '../support/controllers.ts'
import { type Asker, startAsker } from '../support/judge/asker.ts'
import { type History, watchHistory } from '../support/judge/history.ts'
import { addresses, addressesOf, firstWrong, type Truth, targetsBelow } from '../support/judge/verdict.ts'
import { without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import {
  createHeadless,
  createNamespace,
  createWorkload,
  namespace,
  podsOf,
  setReady,
  type Workload,
} from '../support/workloads.ts'

const skip = without(...controlPlanePrograms, ...controllerPrograms, 'kwok')
const pause = 10
const pods = { ready: [50, 300], gone: [50, 400], done: [1000, 1500] } as const
const hostOf = (service: string): string => `${service}.${namespace}.svc.cluster.local`

const given = (...answer: string[]) => ({ rcode: 0, answer, firstAskedAt: 0, lastAskedAt: 0, count: 1 })
const states = [['1'], ['1', '2'], ['2']].map((all) => ({
  at: 0,
  ready: all.map((address) => ({ address, hostname: undefined })),
}))

for (const [what, answers, verdict] of [
  ['a state after the other', [given(), given('1'), given('1', '2'), given('2')], undefined],
  ['a state that was passed over', [given('1'), given('2')], undefined],
  ['a state that came back', [given('1', '2'), given('1')], /older than an answer before it/],
  ['an answer without the records that there were', [given('1'), given()], /older than an answer before it/],
  ['an address too many', [given('1', '2', '3')], /never true/],
] as const)
  it(`the judge of answers sees ${what}`, () => {
    const found = firstWrong(answers, states, addresses)
    if (verdict === undefined) assert.equal(found, undefined)
    else assert.match(found ?? '', verdict)
  })

describe('workloads that roll, scale, fail and end', { skip }, () => {
  let plane: ControlPlane
  let controllers: Controllers
  let server: RunningServer
  let history: History
  let asker: Asker
  /** What each question is about. */
  const subjects = new Map<string, { readonly service: string; readonly truth: Truth }>()

  before(async () => {
    plane = await startControlPlane()
    controllers = await startControllers(plane, { pods })
    for (const name of ['node-a', 'node-b']) await plane.request('POST', '/api/v1/nodes', nodeObject(name))
    await createNamespace(plane)
    for (const name of ['web', 'db', 'gang']) await createHeadless(plane, name)
    history = await watchHistory(plane, namespace)
    server = await startServer({
      corefile: kubeadmCorefile({
        kubeconfig: plane.kubeconfig(plane.adminToken),
        upstream: '127.0.0.1:9',
        cache: 'plain',
      }),
      waitFor: 'ready',
    })
    asker = await startAsker(server.ports.dns, pause)
    for (const service of ['web', 'db', 'gang']) {
      ask(`${hostOf(service)} A`, service, addresses)
      ask(`_http._tcp.${hostOf(service)} SRV`, service, targetsBelow(hostOf(service)))
    }
    for (let pod = 0; pod < 4; pod++)
      for (const service of ['db', 'gang'])
        ask(`${service}-${pod}.${hostOf(service)} A`, service, addressesOf(`${service}-${pod}`))
  })
  after(async () => {
    await asker?.stop()
    history?.close()
    await server?.stop('SIGKILL')
    await controllers?.stop()
    await plane?.stop()
  })

  function ask(question: string, service: string, truth: Truth): void {
    subjects.set(question, { service, truth })
    asker.ask(question)
  }

  /** The Service has so many ready endpoints, and every question about it is answered by them. */
  const answered = (service: string, count: number): Promise<void> =>
    until(
      () => {
        const ready = history.now(service)
        assert.equal(ready.length, count)
        for (const [question, { truth }] of [...subjects].filter(([, each]) => each.service === service))
          assert.deepEqual(asker.answers(question).at(-1)?.answer, truth(ready), question)
      },
      { unless: controllers.ended },
    )

  async function settled(workload: Workload, service: string, count: number): Promise<void> {
    await workload.settled()
    await answered(service, count)
  }

  it('a Deployment is scaled up, rolled twice, fails its readiness, is scaled down', async () => {
    const web = await createWorkload(plane, 'Deployment', 'web', { replicas: 3 })
    await settled(web, 'web', 3)
    await web.scale(8)
    await settled(web, 'web', 8)
    for (let roll = 0; roll < 2; roll++) {
      await web.restart()
      await settled(web, 'web', 8)
    }
    const [failing] = await podsOf(plane, 'web')
    await setReady(plane, failing!, false)
    await answered('web', 7)
    await setReady(plane, failing!, true)
    await answered('web', 8)
    await web.scale(2)
    await settled(web, 'web', 2)
    await web.scale(0)
    await settled(web, 'web', 0)
    await web.scale(4)
    await settled(web, 'web', 4)
  })

  it('a StatefulSet is scaled from 0, rolled and ends, and the names of its pods follow', async () => {
    const db = await createWorkload(plane, 'StatefulSet', 'db', { replicas: 0, serviceName: 'db' })
    await db.scale(4)
    await settled(db, 'db', 4)
    await db.restart()
    await settled(db, 'db', 4)
    await db.remove()
    await answered('db', 0)
  })

  it('the pods of a Job have their names until they are done', async () => {
    await createWorkload(plane, 'Job', 'gang', { completions: 4, parallelism: 4, completionMode: 'Indexed' })
    await answered('gang', 4)
    await answered('gang', 0)
  })

  it('the target of each SRV record has had its address', () => {
    for (const question of asker.questions) {
      if (!question.endsWith(' SRV')) continue
      const { service } = subjects.get(question)!
      const named = new Set(history.states(service).flatMap(({ ready }) => targetsBelow(hostOf(service))(ready)))
      const targets = new Set(asker.answers(question).flatMap(({ answer }) => answer))
      assert.deepEqual(
        [...targets].filter((target) => !named.has(target)),
        [],
      )
    }
  })

  it('every answer was true when it was given or a moment before, and none was lost', async (t) => {
    await asker.stop()
    assert.equal(asker.lost(), 0)
    let seen = 0
    for (const [question, { service, truth }] of subjects) {
      const answers = asker.answers(question)
      assert.equal(firstWrong(answers, history.states(service), truth), undefined, question)
      seen += answers.reduce((sum, { count }) => sum + count, 0)
    }
    t.diagnostic(`${seen} answers`)
  })
})
