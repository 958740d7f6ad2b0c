/** Stub resolvers that pods have, each in its own process, asking slicedns. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { Resolver } from 'node:dns/promises'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { peer, without } from '../support/peers.ts'
import { type ServedCluster, serveCluster, sizes, zone } from './cluster.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'slicedns-clients-'))
let cluster: ServedCluster

before(async () => {
  cluster = await serveCluster()
})

after(async () => {
  await cluster?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const addressesIn = (text: string) => text.match(/\b10\.(?:50|96)\.\d+\.\d+\b/g) ?? []

/** How a program is asked for the addresses of an absolute name. */
interface Client {
  readonly program: string
  readonly needs?: string | false
  ask(name: string, port: string): Promise<string>
}

const output = async (command: string, args: readonly string[]) => (await run(peer(command)!, args)).stdout

const python = `
import sys, dns.resolver
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = ['127.0.0.1'], int(sys.argv[2])
print([str(record) for record in resolver.resolve(sys.argv[1], 'A')])
`

const clients: readonly Client[] = [
  { program: 'dig', ask: (name, port) => output('dig', ['@127.0.0.1', '-p', port, '+short', name, 'A']) },
  { program: 'kdig', ask: (name, port) => output('kdig', ['@127.0.0.1', '-p', port, '+short', name, 'A']) },
  { program: 'drill', ask: (name, port) => output('drill', ['-p', port, name, '@127.0.0.1', 'A']) },
  {
    program: 'python3',
    needs: await noDnspython(),
    ask: (name, port) => output('python3', ['-c', python, name, port]),
  },
  { program: 'go', ask: async (name, port) => (await run(await goProgram(), [name, port])).stdout },
]

async function noDnspython(): Promise<string | false> {
  if (peer('python3') === undefined) return 'needs python3'
  return run(peer('python3')!, ['-c', 'import dns.resolver']).then(
    () => false,
    () => 'needs dnspython',
  )
}

const goSource = `package main

import ("context"; "fmt"; "net"; "os")

func main() {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+os.Args[2])
	}}
	addresses, err := resolver.LookupHost(context.Background(), os.Args[1])
	fmt.Println(addresses, err)
}
`
let built: Promise<string> | undefined

function goProgram(): Promise<string> {
  built ??= (async () => {
    const file = join(folder, 'lookup')
    writeFileSync(`${file}.go`, goSource)
    await run(peer('go')!, ['build', '-o', file, `${file}.go`], { env: { ...process.env, CGO_ENABLED: '0' } })
    return file
  })()
  return built
}

for (const { program, needs = without(program), ask } of clients) {
  test(`${program} gets addresses of services of any size`, { skip: needs }, async () => {
    const port = String(cluster.port)
    for (const size of sizes) {
      const found = addressesIn(await ask(`n-${size}.apps.svc.${zone}.`, port))
      assert.ok(found.length >= 1, `${program} found no address of ${size}`)
      if (size <= 29) assert.equal(new Set(found).size, size)
    }
    assert.deepEqual(addressesIn(await ask(`alias.apps.svc.${zone}.`, port)), ['10.96.1.1'])
  })
}

test('c-ares (Node.js) gets addresses of services of any size, and other records', async () => {
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${cluster.port}`])
  for (const size of sizes) assert.ok((await resolver.resolve4(`n-${size}.apps.svc.${zone}`)).length >= 1)
  const [srv] = await resolver.resolveSrv(`_http._tcp.web.apps.svc.${zone}`)
  assert.deepEqual([srv?.name, srv?.port], [`web.apps.svc.${zone}`, 80])
  assert.deepEqual(await resolver.reverse('10.96.1.1'), [`web.apps.svc.${zone}`])
  await assert.rejects(resolver.resolve4(`nosuch.apps.svc.${zone}`), { code: 'ENOTFOUND' })
  await assert.rejects(resolver.resolve6(`web.apps.svc.${zone}`), { code: 'ENODATA' })
})
