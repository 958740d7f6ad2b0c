/** `slicedns check` and the start agree: what one refuses the other refuses, at the same place and for the same reason. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkCorefile, findingText } from '../../src/cli/findings.ts'
import { plugins } from '../../src/plugins/index.ts'
import { runtime, startServer } from '../support/server.ts'

const main = join(import.meta.dirname, '../../src/main.ts')

/** Server blocks on PORT that cannot be served, whatever machine they are on. */
const refused: readonly { readonly name: string; readonly blocks: string; readonly says: RegExp }[] = [
  {
    name: 'k8s_external without kubernetes',
    blocks: '.:PORT {\n  bind 127.0.0.1\n  k8s_external example.org\n  whoami\n}\n',
    says: /^Corefile:3:3 - plugin\/k8s_external: requires the plugin 'kubernetes' in the same server block$/,
  },
  {
    name: 'k8s_external with kubernetes in another block',
    blocks: 'a.example:PORT {\n  kubernetes cluster.local\n}\n.:PORT {\n  k8s_external example.org\n}\n',
    says: /^Corefile:5:3 - plugin\/k8s_external: requires the plugin 'kubernetes'/,
  },
  {
    name: 'autopath with a plugin that has no search lists',
    blocks: '.:PORT {\n  autopath @whoami\n  whoami\n}\n',
    says: /^Corefile:2:3 - plugin\/autopath: plugin whoami does not support autopath$/,
  },
  {
    name: 'one zone in two blocks of one address',
    blocks: 'a.example:PORT {\n  bind 127.0.0.1\n  whoami\n}\na.example:PORT {\n  bind 127.0.0.1\n  whoami\n}\n',
    says: /^Corefile:5:1 - cannot serve dns:\/\/a\.example\.:\d+ on 127\.0\.0\.1 - it is already defined$/,
  },
  {
    name: 'one zone bound and unbound',
    blocks: 'a.example:PORT {\n  whoami\n}\na.example:PORT {\n  bind 127.0.0.1\n  whoami\n}\n',
    says: /^Corefile:4:1 - cannot serve .* zone overlap listener capacity/,
  },
  {
    name: 'an option that does not exist',
    blocks: '.:PORT {\n  health {\n    lameduk 5s\n  }\n}\n',
    says: /^Corefile:3:5 - unknown property 'lameduk'/,
  },
]

for (const { name, blocks, says } of refused)
  test(`check and start refuse ${name} with the same words`, async (t) => {
    const server = await startServer({
      command: [runtime, main],
      corefile: ({ dns }) => blocks.replaceAll('PORT', String(dns)),
      waitFor: 'nothing',
    })
    t.after(() => server.stop('SIGKILL'))
    const { findings } = checkCorefile(server.corefile, plugins, 53)
    const checked = findings.filter(({ severity }) => severity === 'error').map(findingText)
    assert.deepEqual(await server.exited, { code: 1, signal: null })
    const place = `${server.folder}/`
    assert.deepEqual(server.output().replaceAll(place, '').trimEnd().split('\n'), [checked[0].replaceAll(place, '')])
    assert.match(checked[0].replaceAll(place, ''), says)
    assert.equal(checked.length, 1)
  })
