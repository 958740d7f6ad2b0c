/** The commands that ask a running server, as people run them: the built server and the built command. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { movedCorefile } from '../manifests/objects.ts'
import { builtServer, type RunningServer, runtime, startServer } from '../support/server.ts'
import { type ScriptedUpstream, startUpstream } from '../support/upstream.ts'

const root = join(import.meta.dirname, '../..')

describe('commands that ask a running server', () => {
  let server: RunningServer
  let upstream: ScriptedUpstream
  before(async () => {
    // It knows no name; one that nobody answers for would make the server unhealthy.
    upstream = await startUpstream(({ reply }) => reply({ answer: [] }))
    server = await startServer({
      corefile: (ports) => movedCorefile(ports, upstream.to, [`manifests ${join(root, 'examples')}`]),
      waitFor: 'ready',
    })
  })
  after(async () => {
    await server?.stop('SIGKILL')
    await upstream?.close()
  })

  const run = (...args: string[]): Promise<{ code: number; out: string }> =>
    new Promise((resolve) => {
      execFile(runtime, [builtServer, ...args, '--pid', String(server.pid)], (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr }),
      )
    })

  it('the status fits one screen and says that the server is ready', async () => {
    const { code, out } = await run('status')
    assert.equal(code, 0, out)
    assert.match(out, /^ready +yes$/m)
    assert.match(out, new RegExp(`^process +slicedns-\\S+, pid ${server.pid}, up \\d+s$`, 'm'))
    assert.match(out, new RegExp(`^listens +dns://:${server.ports.dns} for \\.$`, 'm'))
    assert.match(out, /^table +kubernetes: cluster\.local\. /m)
  })

  it('the status is the same as JSON', async () => {
    const { out } = await run('status', '--json')
    const { pid, corefile, ready, listeners } = JSON.parse(out)
    assert.deepEqual([pid, corefile, ready], [server.pid, server.corefile, true])
    assert.equal(listeners[0].port, server.ports.dns)
  })

  it('explain -n walks the search path of a pod to the name that has records', async () => {
    const first = await run('explain', 'web', '-n', 'shop')
    assert.match(first.out, /^web\.shop\.svc\.cluster\.local\. A at /)
    const second = await run('explain', 'web.shop', '-n', 'inference')
    assert.match(
      second.out,
      /^web\.shop\.inference\.svc\.cluster\.local\. A: NXDOMAIN\nweb\.shop\.svc\.cluster\.local\. A at /,
    )
    const none = await run('explain', 'wep.shop.', '-n', 'shop')
    assert.equal(none.code, 0)
    assert.match(none.out, /no name of the search path has records; the first of them:\nwep\.shop\. A at /)
  })

  it('a query is answered by the port that status names, and explained without a trace in the metrics', async () => {
    const counted = async (): Promise<string[]> =>
      (await server.http('metrics', '/metrics')).body.match(/^coredns_dns_requests_total.*$/gm) ?? []
    const before = await counted()
    assert.equal((await run('explain', 'web.shop.svc.cluster.local')).code, 0)
    assert.deepEqual(await counted(), before)
  })
})
