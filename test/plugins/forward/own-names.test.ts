/** Upstreams whose names are in zones of this server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { rcode, type } from '../../../src/dns/codes.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import type { OwnNames } from '../../../src/plugin/capabilities/own-names.ts'
import type { Outcome } from '../../../src/plugin/query.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import { forward } from '../../../src/plugins/forward/index.ts'
import { createServerList } from '../../../src/plugins/forward/servers.ts'
import { hosts } from '../../../src/plugins/hosts/index.ts'
import type { Upstream, UpstreamTarget } from '../../../src/upstream/upstream.ts'
import { createPluginHarness } from '../../support/plugin-harness.ts'
import { servePlugins } from '../../support/plugin-server.ts'
import { until } from '../../support/until.ts'
import { answering, startUpstream } from '../../support/upstream.ts'

const host = 'dns.consul.svc.cluster.local'

/** A list of one upstream by name, and what our zone says of the name. */
function createListHarness() {
  const { clock, log, lines } = createPluginHarness()
  const held = new Set<string>()
  let say: (name: string, family: number) => Outcome | undefined = () => undefined
  const names: OwnNames = { lookup: async (name, family) => say(name, family) }
  const list = createServerList({
    targets: [{ kind: 'host', host, protocol: 'dns', port: 8600 }],
    resolvers: ['127.0.0.1:1'],
    hold(target: UpstreamTarget) {
      const to = `${target.address}:${target.port}`
      held.add(to)
      return { value: { to } as Upstream, release: () => void held.delete(to) }
    },
    clock,
    log,
    families: () => ({ ipv4: true, ipv6: true }),
  })
  const replying = (code: number, ...addresses: readonly string[]) => {
    say = (name, family) => {
      const wanted = addresses.filter((address) => address.includes(':') === (family === type.AAAA))
      const answer = wanted.map((address) =>
        parseRecord(`${name} 5 IN ${type.AAAA === family ? 'AAAA' : 'A'} ${address}`),
      )
      const message = replyTo(queryMessage(name, family, true), { rcode: code, answer })
      return { kind: 'reply', message, plugin: 'kubernetes' }
    }
  }
  return {
    list,
    lines,
    held,
    names,
    replying,
    failing: () => {
      say = () => ({ kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'kubernetes' })
    },
    current: () => list.current.map(({ to }) => to),
    async pass(milliseconds: number) {
      clock.advance(milliseconds)
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('an upstream whose name is in a zone of ours', () => {
  it('an upstream by a name of ours is followed within a second: it comes, moves, and goes', async (t) => {
    const { list, names, replying, current, held, pass } = createListHarness()
    t.after(list.stop)
    replying(rcode.NXDOMAIN)
    list.follow(names)
    await pass(1000)
    assert.deepEqual(current(), [])
    replying(rcode.NOERROR, '10.96.0.1')
    await pass(500)
    assert.deepEqual(current(), ['10.96.0.1:8600'])
    replying(rcode.NOERROR, '10.96.0.2', 'fd00::2')
    await pass(500)
    assert.deepEqual(current(), ['10.96.0.2:8600', 'fd00::2:8600'])
    replying(rcode.NXDOMAIN)
    await pass(500)
    assert.deepEqual([current(), held.size], [[], 3], 'what they have been asked may still be answered')
    await pass(4500)
    assert.deepEqual([current(), held.size], [[], 0])
  })

  it('an upstream by a name of ours stays as it is while the zone cannot answer, and the log has each change once', async (t) => {
    const { list, names, replying, failing, current, lines, pass } = createListHarness()
    t.after(list.stop)
    failing()
    list.follow(names)
    await pass(5000)
    replying(rcode.NOERROR, '10.96.0.1')
    await pass(500)
    failing()
    await pass(5000)
    assert.deepEqual(current(), ['10.96.0.1:8600'])
    assert.deepEqual(
      lines,
      [
        `[WARNING] plugin/test: cannot resolve upstream ${host}: its zone cannot answer yet`,
        `[INFO] plugin/test: upstream ${host} has the addresses 10.96.0.1`,
        `[WARNING] plugin/test: cannot resolve upstream ${host}: its zone cannot answer yet`,
      ].map((line) => line.replace('plugin/test: ', '')),
    )
  })

  it('a server asks its own plugins for the name of an upstream: SERVFAIL for that zone alone until it is there', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'own-names-'))
    const file = join(folder, 'hosts')
    writeFileSync(file, '192.0.2.9 other.own.test\n')
    const upstream = await startUpstream(answering())
    const server = await servePlugins(
      [cache, hosts, forward],
      `own.test {\nhosts ${file} own.test {\nreload 50ms\n}\n}\n` +
        `consul {\ncache\nforward . dns.own.test:${upstream.port}\n}\n`,
    )
    t.after(async () => {
      await server.stop()
      await upstream.close()
      rmSync(folder, { recursive: true })
    })
    const asked = () => server.chain('a.consul. A')
    assert.match(await asked(), /^SERVFAIL/)
    assert.match(await server.chain('other.own.test. A'), /^NOERROR/)
    writeFileSync(file, '127.0.0.1 dns.own.test\n')
    await until(async () => assert.match(await asked(), /^NOERROR; a\.consul\. \d+ IN A 192\.0\.2\.1/))
    assert.equal(server.lines.filter((line) => line.includes('has the addresses 127.0.0.1')).length, 1)
  })
})
