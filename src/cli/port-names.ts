/** The ports of a Service with their names, which the Service's own SRV records do not contain. */
import type { Answer, ShownRecord } from './answer.ts'

export interface NamedPort {
  /** '' if it is not one of the usual names. */
  readonly name: string
  /** '' if the server does not tell. */
  readonly protocol: string
  readonly port: number
  readonly targets: number
}

const protocols = ['tcp', 'udp', 'sctp'] as const

/**
 * DNS cannot list port names, so these are tried: names used by charts and operators, and IANA's service names of software that
 * runs in clusters.
 */
const usualNames =
  `http https grpc web api metrics http-metrics admin health client peer server dns dns-tcp tls tcp udp ws
  mysql postgres postgresql tcp-postgresql redis tcp-redis mongodb mongo kafka amqp epmd cassandra cql elasticsearch transport nats
  cluster monitor etcd zookeeper leader-election ldap smtp ssh ftp mqtt rendezvous master worker p2p rpc raft gossip serf`
    .split(/\s+/)
    .filter(Boolean)

/** Concurrent lookups. */
const atOnce = 8

/** `ask` looks SRV records up; `own` are the Service's; `extra` are names to try first. */
export async function namedPorts(
  name: string,
  own: readonly ShownRecord[],
  extra: readonly string[],
  ask: (owner: string) => Promise<Answer>,
): Promise<NamedPort[]> {
  const found = new Map<string, NamedPort>()
  if (own.length === 0) return []
  // An empty port name stands for all ports (docs/coredns-behaviour.md §4.2).
  for (const protocol of protocols) add(portsIn((await ask(`_._${protocol}.${name}`)).answer), protocol)
  if (found.size === 0) add(portsIn(own), '')
  const names = [...new Set([...extra, ...usualNames])]
  while (names.length > 0 && [...found.values()].some((port) => port.name === '' && port.protocol !== '')) {
    const unnamed = new Set([...found.values()].filter((port) => port.name === '').map(({ protocol }) => protocol))
    const questions = names.splice(0, atOnce).flatMap((word) => [...unnamed].map((protocol) => ({ word, protocol })))
    await Promise.all(
      questions.map(async ({ word, protocol }) => {
        const { answer } = await ask(`_${word}._${protocol}.${name}`)
        for (const port of portsIn(answer).keys()) {
          const known = found.get(`${protocol} ${port}`)
          if (known?.name === '') found.set(`${protocol} ${port}`, { ...known, name: word })
        }
      }),
    )
  }
  return [...found.values()].sort((a, b) => a.port - b.port)

  function add(ports: ReadonlyMap<number, number>, protocol: string): void {
    for (const [port, targets] of ports) found.set(`${protocol} ${port}`, { name: '', protocol, port, targets })
  }
}

/** Number of targets by port. */
function portsIn(records: readonly ShownRecord[]): ReadonlyMap<number, number> {
  const ports = new Map<number, number>()
  for (const { type, data } of records) {
    if (type !== 'SRV') continue
    const port = Number(data.split(' ')[2])
    ports.set(port, (ports.get(port) ?? 0) + 1)
  }
  return ports
}
