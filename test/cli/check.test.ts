import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { run } from '../../src/cli/check.ts'
import { isObject } from '../../src/cli/configmap.ts'
import { terminal } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-check-'))
const path = join(folder, 'Corefile')
after(() => rmSync(folder, { recursive: true }))

/** What check prints of a Corefile, its path left out. */
async function check(corefile: string): Promise<{ code: number; lines: string[] }> {
  writeFileSync(path, corefile)
  const io = terminal()
  const code = await run(['-conf', path], io)
  assert.equal(io.err(), '')
  return { code, lines: io.out().replaceAll(`${folder}/`, '').trimEnd().split('\n') }
}

describe('slicedns check', () => {
  test('slicedns check finds nothing in a Corefile that can be served', async () => {
    assert.deepEqual(await check('example.org:1053 {\n  health {\n    lameduck 5s\n  }\n  whoami\n}\n'), {
      code: 0,
      lines: ['Corefile can be served: 1 server block'],
    })
  })

  test('slicedns check reports every error: grammar, directives, keys, values, blocks that collide', async () => {
    const { code, lines } = await check(`a..b example.org {
  reload 1s
  helth
  health {
    lameduck soon
    lameduk 5s
  }
  health :99999
}
example.org {
  whoami {
  }
}
last {
`)
    assert.deepEqual(
      lines.map((line) => line.replace(/^(.{0,48}).*$/, '$1')),
      [
        'Corefile:1:1 - zone is not a valid domain name: ',
        "Corefile:2:10 - '1s' is not a duration with unit",
        "Corefile:3:3 - Unknown directive 'helth': did yo",
        "Corefile:5:14 - 'soon' is not a duration with un",
        "Corefile:6:5 - unknown property 'lameduk' of hea",
        "Corefile:8:10 - ':99999' is not an address to li",
        'Corefile:10:1 - cannot serve dns://example.org.:',
        'Corefile:11:10 - whoami takes no block',
        "Corefile:14:6 - '}' is missing: the server block",
        'Corefile: 9 errors',
      ],
    )
    assert.equal(code, 1)
  })

  test('slicedns check accepts the Corefile of the multi-cluster services API', async () => {
    const { code, lines } = await check(`.:53 {
  kubernetes cluster.local clusterset.local in-addr.arpa ip6.arpa {
    multicluster clusterset.local
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 30
  }
  cache 30 {
    disable success cluster.local clusterset.local
    disable denial cluster.local clusterset.local
  }
  loadbalance
}
`)
    assert.deepEqual({ code, lines }, { code: 0, lines: ['Corefile can be served: 1 server block'] })
  })

  test('slicedns check only warns of what CoreDNS accepts', async () => {
    const { code, lines } = await check('a_b {\n  import none*\n}\n')
    assert.deepEqual(lines, [
      'Corefile:1:1 - warning: no directives: every query for this block is REFUSED',
      "Corefile:1:1 - warning: 'a_b.' does not follow RFC1035 preferred syntax",
      'Corefile:2:10 - warning: No files matching import glob pattern: none*',
      'Corefile can be served: 1 server block',
    ])
    assert.equal(code, 0)
  })

  test('slicedns check warns of alias zones that take over names, or have no effect', async () => {
    const { code, lines } = await check(`.:53 {
  kubernetes cluster.local {
    alias_zones cluster.local svc.cluster.local apps.example
  }
}
`)
    assert.deepEqual(lines, [
      "Corefile:2:3 - warning: alias_zones cluster.local. is in the cluster's own zone, where the search paths of pods lead: anyone who may annotate a Service can take names of one label there",
      'Corefile:2:3 - warning: alias_zones svc.cluster.local. has no effect: names in svc.cluster.local. belong to Kubernetes',
      'Corefile can be served: 1 server block',
    ])
    assert.equal(code, 0)
  })

  test('slicedns check accepts one zone on two addresses, or twice with a view', async () => {
    const { code } = await check('a {\n  bind 127.0.0.1\n  whoami\n}\na {\n  bind 127.0.0.2\n  whoami\n}\n')
    assert.equal(code, 0)
  })

  test('slicedns check refuses one address twice in a block', async () => {
    const { code, lines } = await check('a {\n  bind ::1 127.0.0.1\n  bind 127.0.0.1\n  whoami\n}\n')
    assert.equal(lines[0], 'Corefile:3:8 - bind to 127.0.0.1 twice: it is already defined')
    assert.equal(code, 1)
  })

  test('slicedns check reports which Corefile does not exist', async () => {
    const io = terminal()
    assert.equal(await run(['-conf', join(folder, 'nowhere')], io), 1)
    assert.match(io.out(), /cannot read the Corefile .*nowhere: no such file\n/)
  })

  test('slicedns check takes the file as an argument, and one only', async () => {
    writeFileSync(path, '. {\n  whoami\n}\n')
    const io = terminal()
    assert.equal(await run([path], io), 0)
    assert.equal(io.out(), `${path} can be served: 1 server block\n`)
    assert.equal(await run([path, '-conf', path], io), 2)
    assert.match(io.err(), /^one file is checked at a time/)
  })

  test('slicedns check prints the same as JSON', async () => {
    writeFileSync(path, '. {\n  helth\n}\n')
    const io = terminal()
    assert.equal(await run([path, '--json'], io), 1)
    assert.deepEqual(JSON.parse(io.out()), {
      file: path,
      valid: false,
      serverBlocks: 1,
      findings: [
        {
          severity: 'error',
          message: "Unknown directive 'helth': did you mean 'health'?",
          file: path,
          line: 2,
          column: 3,
        },
      ],
    })
  })
})

describe('slicedns check of a ConfigMap', () => {
  const corefile = '.:53 {\n    errors\n    helth\n}\n'
  const indented = corefile.replaceAll(/^/gm, '    ')
  const metadata = 'metadata:\n  name: coredns\n  namespace: kube-system\n'
  const asJson = JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { kind: 'ServiceAccount', metadata: { name: 'x' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'coredns' }, data: { Corefile: corefile } },
    ],
  })
  const cases: readonly { name: string; text: string; says: RegExp }[] = [
    {
      name: 'has the line and column of the file',
      text: `# kept in git\napiVersion: v1\nkind: ConfigMap\n${metadata}data:\n  NodeHosts: ""\n  Corefile: |\n${indented}`,
      says: /^Corefile:12:9 - Unknown directive 'helth'/,
    },
    {
      name: 'finds it behind other objects of the file',
      text: `---\napiVersion: v1\nkind: Service\n${metadata}---\nkind: ConfigMap\n${metadata}data:\n  Corefile: |-\n${indented}`,
      says: /^Corefile:16:9 - Unknown directive 'helth'/,
    },
    { name: 'reads a List as JSON', text: asJson, says: /^Corefile:1:\d+ - Unknown directive 'helth'/ },
    {
      name: 'says where the Corefile should be',
      text: `kind: ConfigMap\n${metadata}data:\n  corefile: x\n`,
      says: /^Corefile: ConfigMap kube-system\/coredns has no key Corefile in its data\n/,
    },
    {
      name: 'says that there is no ConfigMap',
      text: 'apiVersion: v1\nkind: Secret\n',
      says: /^Corefile: it contains no ConfigMap\n/,
    },
    {
      name: 'says what is wrong with the YAML',
      text: 'kind: ConfigMap\ndata: {\n',
      says: /^Corefile: not valid YAML: .* at line \d+, column \d+/,
    },
  ]
  for (const { name, text, says } of cases)
    test(`slicedns check of a ConfigMap ${name}`, async () => {
      const { code, lines } = await check(text)
      assert.equal(code, 1)
      assert.match(`${lines.join('\n')}\n`, says)
    })

  test('a text with many beginnings of documents is read in one pass', () => {
    const text = `${'---\n\n'.repeat(100)}example.org {`
    assert.equal(runInNewContext('isObject(text)', { isObject, text }, { timeout: 10_000 }), false)
    assert.equal(isObject(`${'---\r\n \n# a comment\n'.repeat(100)}kind: ConfigMap\n`), true)
  })
})
