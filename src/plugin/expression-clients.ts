/** For which client addresses an expression can be true: the data plane can decide by them. */
import { parseIp, parseNetwork } from '../corefile/address.ts'
import type { Prefix } from '../dns/address.ts'
import { type Node, parseExpression } from '../expression/index.ts'

/** Networks that contain every client for which the expression can be true; undefined: any client. */
export const clientsOf = (source: string): readonly Prefix[] | undefined => clientsIn(parseExpression(source))

function clientsIn(node: Node): readonly Prefix[] | undefined {
  if (node.kind === 'literal') return node.value === true ? undefined : []
  if (node.kind === 'call') return node.name === 'incidr' ? inNetwork(node.args) : undefined
  if (node.kind !== 'binary') return undefined
  const { operator, left, right } = node
  switch (operator) {
    case 'and':
    case '&&':
      return narrower(clientsIn(left), clientsIn(right))
    case 'or':
    case '||':
      return union(clientsIn(left), clientsIn(right))
    case '==':
      return isClient(left) ? oneOf([right]) : isClient(right) ? oneOf([left]) : undefined
    case 'in':
      return isClient(left) && right.kind === 'array' ? oneOf(right.items) : undefined
    default:
      return undefined
  }
}

const isClient = (node: Node | undefined): boolean => node?.kind === 'call' && node.name === 'client_ip'

function inNetwork([address, network]: readonly Node[]): readonly Prefix[] | undefined {
  if (!isClient(address) || network?.kind !== 'literal') return undefined
  const found = parseNetwork(String(network.value))
  // A text that is not a network cannot be evaluated, so the call is true for no client.
  return found ? [{ address: found.bytes, bits: found.length }] : []
}

/**
 * The addresses that the nodes spell; undefined where one is not a literal, or has a zone identifier, which rules do
 * not see.
 */
function oneOf(nodes: readonly Node[]): readonly Prefix[] | undefined {
  const texts = nodes.map((node) => (node.kind === 'literal' ? String(node.value) : '%'))
  if (texts.some((text) => text.includes('%'))) return undefined
  return texts.flatMap((text) => {
    const octets = parseIp(text)
    return octets ? [{ address: octets, bits: octets.length * 8 }] : []
  })
}

type Clients = readonly Prefix[] | undefined

/** Clients for which both operands can be true. Each set contains them all, so the shorter one is enough. */
export function narrower(one: Clients, other: Clients): Clients {
  if (one === undefined || other === undefined) return one ?? other
  return one.length <= other.length ? one : other
}

const union = (one: Clients, other: Clients): Clients => (one && other ? [...one, ...other] : undefined)
