import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { without } from '../support/peers.ts'
import type { RunningServer } from '../support/server.ts'
import { goodAddress, startUpstreams } from './garbage-upstream.ts'
import { seed } from './random.ts'
import { everyKindOfName, startVictim } from './victim.ts'

/** Options that replies repeat, and some that they do not, each in lengths that are right and wrong for it. */
const codes = [3, 8, 9, 10, 11, 12, 15, 65001]
const lengths = [0, 1, 2, 4, 5, 8, 9, 16, 40, 41]

describe('whatever EDNS option is asked with, dig reads the reply', { skip: without('dig') }, () => {
  let upstreams: Awaited<ReturnType<typeof startUpstreams>>
  let server: RunningServer
  before(async () => {
    upstreams = await startUpstreams(seed)
    server = await startVictim('threads', { corefile: everyKindOfName(upstreams) })
  })
  after(async () => {
    await server?.stop('SIGKILL')
    await upstreams?.close()
  })

  for (const name of ['gateway.inference.svc.cluster.local', 'forwarded.example']) {
    test(`dig reads the reply to any EDNS option for ${name}`, async () => {
      for (const code of codes) {
        const replies = lengths.map((length) =>
          server.dig(name, 'A', { flags: ['+nocookie', `+ednsopt=${code}:${'01'.repeat(length)}`] }),
        )
        for (const [i, { rcode, answer }] of (await Promise.all(replies)).entries()) {
          const what = `option ${code} of ${lengths[i]} octets`
          if (rcode !== 'FORMERR') assert.equal(answer.length, 1, what)
          else assert.ok(code !== 10 && code !== 12 && code < 65001, what)
        }
      }
      const { answer } = await server.dig(name, 'A')
      assert.match(answer[0]!, new RegExp(`${goodAddress}|10\\.96\\.12\\.20`))
    })
  }
})
