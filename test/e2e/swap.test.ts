/**
 * CoreDNS is replaced by slicedns, and slicedns by CoreDNS, with the manifests and commands of docs/deploying.md: a real control
 * plane, the real kube-proxy, a process in a network namespace for each pod, and fifty pods that ask the cluster's Service meanwhile.
 */
import '../support/alone.ts'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { controllerPrograms } from '../support/controllers.ts'
import { cannotIsolate, runIsolated } from '../support/isolated.ts'
import type { Outcome } from '../support/node/program.ts'
import { without } from '../support/peers.ts'

const skip =
  without(...controlPlanePrograms, ...controllerPrograms, 'kube-proxy', 'nft', 'kubectl', 'coredns', 'ip') ||
  cannotIsolate()

/** Few enough that a machine with other work drops none of them in a socket. */
const perSecond = 200
/** First tries that end with a process to which the node's connection tracking still sends a client. */
const mostLostOnce = 20

describe('a swap there and back', { skip }, () => {
  it('no query is lost while CoreDNS and slicedns take each other’s place', async (t) => {
    const program = join(import.meta.dirname, '../support/node/program.ts')
    const outcomes: Outcome[] = []
    for await (const outcome of runIsolated<Outcome>(program, [String(perSecond), 'there', 'back']))
      outcomes.push(outcome)
    const { sent, answered, failed, steps, exits } = outcomes[0]!
    t.diagnostic(`${sent} queries, ${JSON.stringify(steps)}`)
    assert.deepEqual(failed, {})
    assert.equal(answered, sent)
    for (const { name, lostOnce, lostTwice } of steps) {
      assert.deepEqual(Object.values(lostTwice), [0, 0, 0], name)
      assert.ok(lostOnce <= mostLostOnce, `${name}: ${lostOnce} first tries of ${sent} had no reply`)
    }
    // Two of CoreDNS, three of slicedns.
    assert.deepEqual(exits, Array(5).fill('exit code 0'))
  })
})
