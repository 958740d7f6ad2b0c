/** `rewrite edns0 local | nsid | subnet`: sets options of the request for later plugins and upstreams. */
import { fail, integer, oneOf, value } from '../../../corefile/read.ts'
import type { Token } from '../../../corefile/schema.ts'
import { parseAddress } from '../../../dns/address.ts'
import type { Edns, EdnsOption } from '../../../dns/message.ts'
import { isMetadataLabel } from '../../../plugin/metadata-label.ts'
import { protocolOf, type Query } from '../../../plugin/query.ts'
import type { ResponseRule, Rule } from '../rule.ts'

const nsid = 3
const subnet = 8
const actions = ['append', 'replace', 'set', 'unset'] as const
type Action = (typeof actions)[number]

/** The octets of the option for a query; undefined: the rule does not apply. */
type Data = (query: Query) => Uint8Array | undefined

/**
 * `edns0 local ACTION CODE DATA [revert]`, `edns0 nsid ACTION [revert]`, `edns0 subnet ACTION V4BITS V6BITS [revert]`;
 * `unset` has no data. Throws ConfigError.
 */
export function readEdns0Rule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  if (args.length < 2) throw fail('an edns0 rule must have a kind (local, nsid or subnet) and an action', place)
  const kind = value(oneOf(['local', 'nsid', 'subnet'], { ignoreCase: true }), args[0], 'edns0')
  const action = value(oneOf(actions, { ignoreCase: true }), args[1], 'edns0')
  const reverts = action !== 'unset' && args.at(-1)!.text === 'revert'
  const rest = reverts ? args.slice(2, -1) : args.slice(2)
  const unsets = action === 'unset'
  switch (kind) {
    case 'local': {
      countArgs(rest, unsets ? 1 : 2, 'local', place)
      const code = readCode(rest[0])
      const isVariable = !unsets && /^\{.*\}$/s.test(rest[1].text)
      return optionRule(mode, action, code, unsets ? none : readData(rest[1]), reverts, {
        echoed: code,
        appendsTwice: !isVariable,
      })
    }
    case 'nsid':
      countArgs(rest, 0, 'nsid', place)
      return optionRule(mode, action, nsid, none, reverts, { appendsTwice: true })
    case 'subnet': {
      countArgs(rest, unsets ? 0 : 2, 'subnet', place)
      const lengths = rest.map((token, i) => value(integer({ min: 0, max: i === 0 ? 32 : 128 }), token, 'subnet'))
      return optionRule(
        mode,
        action,
        subnet,
        unsets ? none : (query) => subnetOf(query, lengths[0], lengths[1]),
        reverts,
      )
    }
  }
}

const none: Data = () => new Uint8Array(0)

function countArgs(args: readonly Token[], count: number, kind: string, place: Token): void {
  if (args.length === count) return
  throw fail(`edns0 ${kind} must have ${count} arguments after the action, not ${args.length}`, args[count] ?? place)
}

/** Go's ParseUint with base 0: decimal, 0x, 0o and 0b. */
function readCode(token: Token): number {
  const code = /^(?:0x(?:_?[\da-f])+|0o?(?:_?[0-7])+|0b(?:_?[01])+|\d(?:_?\d)*)$/i.test(token.text)
    ? Number(token.text.replaceAll('_', '').replace(/^0(?=[0-7])/, '0o'))
    : -1
  if (code >= 0 && code <= 0xffff) return code
  throw fail(`invalid option code '${token.text}': must be a number up to 65535, such as 65518 or 0xffee`, token)
}

function readData(token: Token): Data {
  const { text } = token
  if (/^\{.*\}$/s.test(text)) return variable(text.slice(1, -1), token)
  if (!text.startsWith('0x')) return constant(Buffer.from(text, 'utf8'))
  if (!/^0x(?:[\da-f]{2})*$/i.test(text))
    throw fail(`invalid data '${text}': must be 0x and an even number of hex digits`, token)
  return constant(Buffer.from(text.slice(2), 'hex'))
}

const constant =
  (octets: Uint8Array): Data =>
  () =>
    octets

const port = (number: number): Uint8Array => Uint8Array.of(number >> 8, number)

const variables: Readonly<Record<string, Data>> = {
  qname: ({ qname }) => Buffer.from(qname, 'utf8'),
  qtype: ({ qtype }) => port(qtype),
  client_ip: ({ client }) => parseAddress(client.address),
  server_ip: ({ local }) => parseAddress(local.address),
  client_port: ({ client }) => port(client.port),
  server_port: ({ local }) => port(local.port),
  protocol: ({ transport }) => Buffer.from(protocolOf(transport)),
}

function variable(name: string, token: Token): Data {
  if (Object.hasOwn(variables, name)) return variables[name]
  if (!isMetadataLabel(name))
    throw fail(
      `unsupported variable '{${name}}': must be one of ${Object.keys(variables).join(', ')}, or a metadata label`,
      token,
    )
  return (query) => {
    const found = query.metadata?.(name)
    return found === undefined || found === '' ? undefined : Buffer.from(found, 'utf8')
  }
}

/** RFC 7871 §6: family, source and scope prefix length, and the address cut to the source's length. */
function subnetOf({ client }: Query, v4Length: number, v6Length: number): Uint8Array | undefined {
  const address = parseAddress(client.address)
  if (address === undefined) return undefined
  const length = address.length === 4 ? v4Length : v6Length
  const octets = address.slice(0, Math.ceil(length / 8))
  if (length % 8 !== 0) octets[octets.length - 1] &= 0xff << (8 - (length % 8))
  return Uint8Array.of(0, address.length === 4 ? 1 : 2, length, 0, ...octets)
}

interface OptionTraits {
  /** The code of an option that is copied into replies without an OPT (CoreDNS: supported options). */
  readonly echoed?: number
  /** `append` adds a second option where the request already has one; otherwise the rule is skipped. */
  readonly appendsTwice?: boolean
}

/** A rule that finds nothing to do still gives the request an OPT, as in CoreDNS. */
function optionRule(
  mode: Rule['mode'],
  action: Action,
  code: number,
  data: Data,
  reverts: boolean,
  { echoed, appendsTwice = false }: OptionTraits = {},
): Rule {
  return {
    mode,
    changesForUpstreams: true,
    ...(echoed === undefined || action === 'unset' ? {} : { echoes: echoed }),
    apply(query) {
      const before = query.request.edns
      const edns = before ?? { version: 0, payloadSize: 4096, dnssecOk: false, extendedRcode: 0, options: [] }
      if (action === 'unset')
        return changed(
          query,
          edns,
          edns.options.filter((option) => option.code !== code),
          [],
        )
      const octets = data(query)
      if (octets === undefined) return undefined
      const at = edns.options.findIndex((option) => option.code === code)
      const isThere = at >= 0
      if (isThere ? action === 'append' && !appendsTwice : action === 'replace')
        return { ...changed(query, edns, edns.options, []), passedOver: true }
      const option = { code, data: octets }
      const adds = !isThere || action === 'append'
      const options = adds ? [...edns.options, option] : edns.options.with(at, option)
      return changed(query, edns, options, reverts ? [undo(code, adds ? undefined : edns.options[at])] : [])
    },
  }
}

function changed(query: Query, edns: Edns, options: readonly EdnsOption[], response: readonly ResponseRule[]) {
  return { query: { ...query, request: { ...query.request, edns: { ...edns, options } } }, response }
}

/** Restores the option as it was before the rule, or removes it. */
function undo(code: number, before: EdnsOption | undefined): ResponseRule {
  return {
    kind: 'option',
    restore(edns) {
      const at = edns?.options.findIndex((option) => option.code === code) ?? -1
      if (edns === undefined || at < 0) return edns
      return { ...edns, options: before === undefined ? edns.options.toSpliced(at, 1) : edns.options.with(at, before) }
    },
  }
}
