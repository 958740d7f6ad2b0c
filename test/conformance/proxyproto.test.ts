/** Who the client is, with every kind of header and policy: the same here and in CoreDNS. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { formatAddress } from '../../src/dns/address.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { v1, v2 } from '../plugins/proxyproto/headers.ts'
import { without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { question } from '../support/question.ts'
import { until } from '../support/until.ts'
import { type NamedServer, startNamed } from './side-by-side.ts'

/** `whoami` answers with the client's address. */
const block = (options: string) => (port: number) =>
  `. {\n bind 127.0.0.1\n proxyproto {\n${options}\n }\n whoami\n}\n`.replace('. {', `.:${port} {`)

const policies = {
  'no options': '',
  'default ignore': 'default ignore',
  'default reject': 'default reject',
  'default skip': 'default skip',
  'allow of this peer': 'allow 127.0.0.0/8\ndefault reject',
  'allow of another peer': 'allow 192.0.2.0/24',
  'allow of another peer, default reject': 'allow 192.0.2.0/24\ndefault reject',
  'allow of another peer, default use': 'allow 192.0.2.0/24\ndefault use',
} as const

const udp = { protocol: 'datagram' } as const
const headers: Readonly<Record<string, { readonly octets: Buffer; readonly via: readonly ('udp' | 'tcp')[] }>> = {
  'no header': { octets: Buffer.alloc(0), via: ['udp', 'tcp'] },
  'a version 1 header': { octets: v1('PROXY TCP4 198.51.100.7 192.0.2.53 5000 53'), via: ['udp', 'tcp'] },
  'a version 1 header for IPv6': { octets: v1('PROXY TCP6 2001:db8::7 2001:db8::53 5000 53'), via: ['tcp'] },
  'a version 1 header of an unknown protocol': { octets: v1('PROXY UNKNOWN'), via: ['udp', 'tcp'] },
  'an invalid version 1 header': { octets: v1('PROXY TCP4 1 2 3 4'), via: ['udp', 'tcp'] },
  'a version 2 header': { octets: v2({ source: '198.51.100.7' }), via: ['udp', 'tcp'] },
  'a version 2 header for IPv6': { octets: v2({ source: '2001:db8::7', tlvs: 'ea0001ff' }), via: ['tcp'] },
  'a version 2 header of a datagram': {
    octets: v2({ ...udp, source: '198.51.100.7', tlvs: 'ea0001ff' }),
    via: ['udp'],
  },
  'a version 2 header of a datagram for IPv6': { octets: v2({ ...udp, source: '2001:db8::7' }), via: ['udp'] },
  'a version 2 header of the proxy itself': {
    octets: v2({ ...udp, command: 'local', source: '198.51.100.7' }),
    via: ['udp', 'tcp'],
  },
  'an invalid version 2 header': { octets: v2({}), via: ['udp', 'tcp'] },
  'a version 2 header that is cut': { octets: v2({ ...udp, source: '198.51.100.7' }).subarray(0, 20), via: ['udp'] },
}

/** The client's address as the server sees it, or `nothing` when later questions are answered and this one is not. */
async function clientSeen(server: NamedServer, via: 'udp' | 'tcp', header: Buffer): Promise<string> {
  const reply = await (via === 'udp' ? overUdp : overTcp)(server, header)
  return reply === undefined ? 'nothing' : shown(reply)
}

function shown(reply: Buffer): string {
  const { rcode, additional } = parseMessage(reply)
  const address = additional.find(({ type }) => type === 1 || type === 28)
  return address ? formatAddress(address.rdata) : `rcode ${rcode}`
}

async function overUdp(server: NamedServer, header: Buffer): Promise<Buffer | undefined> {
  const client = await openClient(server)
  try {
    return await client.ask(Buffer.concat([header, question('x.example A', 1)]))
  } finally {
    client.close()
  }
}

/** A client over UDP, as a load balancer is one. */
async function openClient({ port }: NamedServer) {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const replies: Buffer[] = []
  socket.on('message', (message) => void replies.push(message))
  const isReply = (message: Buffer): boolean => message.readUInt16BE(0) === 1
  return {
    send: (octets: Buffer) => socket.send(octets),
    /** The reply to the question with ID 1, or undefined when three later ones have theirs. */
    async ask(octets: Buffer): Promise<Buffer | undefined> {
      replies.length = 0
      socket.send(octets)
      return until(() => {
        const reply = replies.find(isReply)
        if (reply === undefined && replies.length < 3) {
          socket.send(question('x.example A', 2))
          throw new Error('no reply')
        }
        return reply
      })
    },
    close: () => socket.close(),
  }
}

async function overTcp({ port }: NamedServer, header: Buffer): Promise<Buffer | undefined> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  try {
    const message = question('x.example A', 1)
    socket.write(Buffer.concat([header, Buffer.of(message.length >> 8, message.length & 0xff), message]))
    const [data] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [])])
    return data?.subarray(2)
  } finally {
    socket.destroy()
  }
}

/** The client that each header gives, over each transport. */
async function clientsSeen(server: NamedServer, policy: string): Promise<Record<string, string>> {
  const seen: Record<string, string> = {}
  for (const [name, { octets, via }] of Object.entries(headers))
    for (const transport of via) {
      // A header that is taken for a query: CoreDNS waits for the rest of it.
      if (policy === 'default skip' && octets.length > 0 && transport === 'tcp') continue
      seen[`${name} over ${transport}`] = await clientSeen(server, transport, octets)
    }
  return seen
}

/** The ports of one server: one for each policy. */
type Ports = ReadonlyMap<string, number>

async function freePorts(): Promise<Ports> {
  const entries = Object.keys(policies).map(async (policy) => [policy, await freePort()] as const)
  return new Map(await Promise.all(entries))
}

const every = (ports: Ports): string =>
  [...ports].map(([policy, port]) => block(policies[policy as keyof typeof policies])(port)).join('')

/** Starts both with the same options, for the test's time. */
async function withBoth(
  corefile: (port: number) => string,
  test: (servers: NamedServer[]) => Promise<void>,
): Promise<void> {
  const servers = await Promise.all([startNamed('slicedns', corefile), startNamed('CoreDNS', corefile)])
  try {
    await test(servers)
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

describe('proxyproto beside CoreDNS', { skip: without('coredns') }, () => {
  const servers: { readonly server: NamedServer; readonly ports: Ports }[] = []
  before(async () => {
    for (const name of ['slicedns', 'CoreDNS'] as const) {
      const ports = await freePorts()
      servers.push({ server: await startNamed(name, () => every(ports)), ports })
    }
  })
  after(() => Promise.all(servers.map(({ server }) => server.stop())))

  for (const policy of Object.keys(policies))
    it(`proxyproto with ${policy} sees the clients that CoreDNS sees`, async () => {
      const [ours, theirs] = await Promise.all(
        servers.map(({ server, ports }) => clientsSeen({ ...server, port: ports.get(policy)! }, policy)),
      )
      assert.deepEqual(ours, theirs)
    })

  it('a session of proxyproto has the client of its header, as in CoreDNS, and a header alone gets no answer', () =>
    withBoth(block('udp_session_tracking 10s 1'), async (servers) => {
      const header = (source: string) => v2({ ...udp, source })
      const plain = question('x.example A', 1)
      const [ours, theirs] = await Promise.all(
        servers.map(async (server) => {
          const [one, other] = [await openClient(server), await openClient(server)]
          const ask = async (client: typeof one, octets: Buffer) => {
            const reply = await client.ask(octets)
            return reply ? shown(reply) : 'nothing'
          }
          const seen = [await ask(one, plain)]
          one.send(header('198.51.100.1'))
          seen.push(await ask(one, plain), await ask(one, plain), await ask(one, header('198.51.100.1')))
          seen.push(await ask(one, Buffer.concat([header('198.51.100.2'), plain])), await ask(one, plain))
          // A second session ends the first.
          seen.push(await ask(other, Buffer.concat([header('198.51.100.3'), plain])), await ask(one, plain))
          one.close()
          other.close()
          return seen
        }),
      )
      assert.deepEqual(ours, theirs)
      assert.deepEqual(ours, [
        '127.0.0.1',
        '198.51.100.1',
        '198.51.100.1',
        'nothing',
        '198.51.100.2',
        '198.51.100.2',
        '198.51.100.3',
        '127.0.0.1',
      ])
    }))

  it('a view by proxyproto/tlv takes the queries that it takes in CoreDNS, over UDP and TCP', async () => {
    const corefile = (port: number) =>
      `.:${port} {\n bind 127.0.0.1\n metadata\n proxyproto {\n tlv_metadata\n }\n view tlv {\n` +
      ` expr metadata('proxyproto/tlv') == 'ea0002cafe'\n }\n whoami\n}\n` +
      `.:${port} {\n bind 127.0.0.1\n template ANY ANY {\n rcode NXDOMAIN\n }\n}\n`
    await withBoth(corefile, async (servers) => {
      const source = '198.51.100.1'
      const [ours, theirs] = await Promise.all(
        servers.map(async (server) => [
          await clientSeen(server, 'udp', v2({ ...udp, source, tlvs: 'ea0002cafe' })),
          await clientSeen(server, 'udp', v2({ ...udp, source, tlvs: 'ea0002caff' })),
          await clientSeen(server, 'udp', v2({ ...udp, source, tlvs: 'ea0002caff', command: 'local' })),
          await clientSeen(server, 'udp', Buffer.alloc(0)),
          await clientSeen(server, 'tcp', v2({ source, tlvs: 'ea0002cafe' })),
          await clientSeen(server, 'tcp', v2({ source, tlvs: 'ea0002' })),
          await clientSeen(server, 'tcp', v1('PROXY TCP4 198.51.100.7 192.0.2.53 5000 53')),
        ]),
      )
      assert.deepEqual(ours, theirs)
      assert.deepEqual(ours?.slice(0, 2), [source, 'rcode 3'])
    })
  })
})
