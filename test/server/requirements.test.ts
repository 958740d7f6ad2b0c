/** What a plugin needs from another one of its block: the start and `check` refuse the same, at the same place. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { checkCorefile, findingText } from '../../src/cli/findings.ts'
import { loadCorefile } from '../../src/corefile/load.ts'
import { plugins } from '../../src/plugins/index.ts'
import { configure } from '../../src/server/configuration.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'

/** What `check` reports, and the error that ends the start; both without the folder. */
async function judged(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-check-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'Corefile')
  writeFileSync(file, text)
  const { findings } = checkCorefile(file, plugins, 53)
  const errors = findings.filter(({ severity }) => severity === 'error')
  const { log, metrics, clock, state } = createPluginHarness()
  const options = { plugins, defaultPort: 53, log, metrics, clock, process: state }
  const start = await configure(loadCorefile(file), options).then(
    () => [],
    (error: Error) => [error.message],
  )
  const short = (message: string): string => message.replaceAll(`${folder}/`, '')
  return { check: errors.map(findingText).map(short), start: start.map(short) }
}

const needsCluster = (place: string): string =>
  `${place} - plugin/k8s_external: requires the plugin 'kubernetes' in the same server block`

describe('a Corefile', () => {
  const cases: readonly (readonly [what: string, text: string, errors: readonly string[]])[] = [
    ['k8s_external without kubernetes', '. {\n  k8s_external example.org\n}\n', [needsCluster('Corefile:2:3')]],
    [
      'k8s_external with kubernetes in another block',
      '. {\n  kubernetes cluster.local {\n    manifests /tmp\n  }\n}\nexample.org {\n  k8s_external example.org\n}\n',
      [needsCluster('Corefile:7:3')],
    ],
    [
      'autopath of a plugin without search lists',
      '. {\n  whoami\n  autopath @whoami\n}\n',
      ['Corefile:3:3 - plugin/autopath: plugin whoami does not support autopath'],
    ],
    [
      'one snapshot of two clusters',
      '. {\n  kubernetes cluster.local {\n    snapshot state\n  }\n}\nexample.org {\n  kubernetes {\n    endpoint_pod_names\n    snapshot state\n  }\n}\n',
      [
        'Corefile:7:3 - plugin/kubernetes: snapshot state is already used by an earlier server block with another cluster or other kubernetes options: use another file',
      ],
    ],
    [
      'one snapshot of two blocks of one cluster',
      '. {\n  kubernetes cluster.local {\n    snapshot state\n  }\n}\nexample.org {\n  kubernetes {\n    ttl 30\n    snapshot state\n  }\n}\n',
      [],
    ],
    ['autopath of a plugin that is not there', '. {\n  autopath @kubernetes\n  whoami\n}\n', []],
    [
      'a key of a scheme that is not served',
      '. {\n  whoami\n}\nquic://. {\n  whoami\n}\n',
      [
        'Corefile:4:1 - slicedns does not serve quic://; it serves dns:// (UDP and TCP), tls:// (DNS over TLS), https:// (DNS over HTTPS), grpc:// (DNS over gRPC)',
      ],
    ],
  ]
  for (const [what, text, errors] of cases)
    it(`${what} is ${errors.length > 0 ? 'refused' : 'accepted'} by check and start alike`, async (t) => {
      assert.deepEqual(await judged(t, text), { check: errors, start: errors })
    })
})
