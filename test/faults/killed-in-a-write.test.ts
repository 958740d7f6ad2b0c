/** docs/reliability.md: a server that is killed while it writes its snapshot answers right from it, with the API server away. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ApiServer, startApiServer } from '../support/api-server/index.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/** Enough for a write of several steps. */
const services = 2000
const asked = [0, 999, 1999]
const addressOf = (at: number): string => `10.96.${at >> 8}.${at & 255}`

describe('a server that is killed while it writes its snapshot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-killed-'))
  const snapshot = join(folder, 'snapshot')
  let api: ApiServer
  let server: RunningServer | undefined

  const put = (name: string, clusterIP: string): void =>
    api.put({
      kind: 'Service',
      metadata: { namespace: 'shop', name },
      spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    })

  const start = (): Promise<RunningServer> =>
    startServer({
      waitFor: 'ready',
      corefile: ({ dns, ready }) => `.:${dns} {
    bind 127.0.0.1
    ready 127.0.0.1:${ready}
    kubernetes cluster.local {
        kubeconfig ${api.kubeconfig()}
        snapshot ${snapshot}
    }
}
`,
    })

  const ask = async (name: string): Promise<string> => {
    const { rcode, answer } = await server!.dig(`${name}.shop.svc.cluster.local`, 'A')
    return answer[0]?.split(' ').at(-1) ?? rcode
  }

  before(async () => {
    api = await startApiServer()
    api.put({ kind: 'Namespace', metadata: { name: 'shop' } })
    for (let at = 0; at < services; at++) put(`s${at}`, addressOf(at))
    put('changed', '10.97.0.0')
    server = await start()
    await until(() => assert.ok(existsSync(snapshot)))
  })
  after(async () => {
    await server?.stop('SIGKILL')
    await api?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** It writes as soon as it has read the cluster. */
  async function killInWrite(): Promise<void> {
    const watcher = watch(folder)
    const begun = once(watcher, 'change')
    await api.restart()
    await begun
    await server!.stop('SIGKILL')
    watcher.close()
  }

  for (const [round, known] of [
    [1, ['10.97.0.0', '10.97.0.1']],
    [2, ['10.97.0.0', '10.97.0.1', '10.97.0.2']],
  ] as const)
    it(`a server that is killed in a write is back with what it knew before it or after it, time ${round}`, async (t) => {
      await server!.stop('SIGKILL')
      api.kill()
      server = await start()
      put('changed', `10.97.0.${round}`)
      await killInWrite()
      t.diagnostic(`${readdirSync(folder).length - 1} drafts are left`)
      api.kill()
      server = await start()
      assert.deepEqual(
        await Promise.all(asked.map((at) => ask(`s${at}`))),
        asked.map((at) => addressOf(at)),
      )
      const found = await ask('changed')
      assert.ok((known as readonly string[]).includes(found), found)
      await api.restart()
      await until(async () => assert.equal(await ask('changed'), `10.97.0.${round}`))
    })
})
