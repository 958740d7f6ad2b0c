/** The Corefiles of other projects as they are: `npm run corefiles` does the same at length. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { builtServer, runtime } from '../support/server.ts'
import { cannotRun, run } from './isolated.ts'
import { corefiles, haveCorefiles } from './places.ts'

describe('Corefiles that other projects ship', { skip: cannotRun() }, () => {
  test('a reload from each of them into the next loses no query, and answers none wrong', async () => {
    const reloaded = new Set<string>()
    for await (const { from, to, wrong } of run('tour')) {
      assert.deepEqual(wrong, [], `${from} -> ${to}`)
      reloaded.add(to)
    }
    assert.ok(reloaded.size >= 42, `${reloaded.size} Corefiles`)
  })

  test('one of each shape is answered as CoreDNS answers it', async () => {
    const shapes = ['gardener', 'nixos-view-tailscale', 'openshift-onprem']
    for await (const { name, questions, differences } of run('answers', shapes)) {
      assert.deepEqual(differences, [], name)
      assert.ok(questions > 0)
    }
  })
})

describe('Corefiles that CoreDNS refuses', {
  skip: !haveCorefiles && `needs the Corefiles of other projects in ${corefiles}`,
}, () => {
  const refused: readonly (readonly [name: string, error: RegExp])[] = [
    ['coredns-multicluster-plugin', /:6:5 - Unknown directive 'multicluster'/],
    ['corewarden-filterlist', /:6:3 - Unknown directive 'filterlist'/],
    ['deckhouse-node-local-dns', /:16:3 - Unknown directive 'kubeforward'/],
    ['k8s-docs-kube-dns-federation', /:10:9 - Unknown directive 'federation'/],
    ['k8s-gateway', /:7:5 - Unknown directive 'k8s_gateway'/],
    ['kops-docs-external-corefile', /:10:7 - Unknown directive 'proxy'/],
    ['kubespray-docs-external-zones', /:18:11 - '0' is not an integer of at least 1/],
    ['openshift-ocp-dnsnameresolver', /:17:5 - Unknown directive 'ocp_dnsnameresolver'/],
    ['wild-cloud-one-line-blocks', /:5:26 - .*'lameduck'/],
  ]
  for (const [name, error] of refused)
    test(`${name} is refused with its place and the word`, () => {
      const { status, stdout } = check(name)
      assert.equal(status, 1)
      assert.match(stdout, error)
    })

  test('an upstream by its cluster name is served: consul-forward-by-name', () => {
    assert.equal(check('consul-forward-by-name').status, 0)
  })
})

function check(name: string) {
  const file = join(corefiles, 'rejects', `${name}.Corefile`)
  return spawnSync(runtime, [builtServer, 'check', '-conf', file], {
    encoding: 'utf8',
    env: { MY_HOST_IP: '127.0.0.1' },
  })
}
