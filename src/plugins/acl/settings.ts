/** The rules of `acl`: each directive has zones, and policies of which the first match decides. */

import { suggestion } from '../../corefile/nearest.ts'
import { fail, network, oneOf, value, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema, Position, Token } from '../../corefile/schema.ts'
import type { Prefix } from '../../dns/address.ts'
import { type } from '../../dns/codes.ts'
import { queryType } from '../../plugin/dns-values.ts'

export const actions = ['allow', 'block', 'filter', 'drop'] as const
export type Action = (typeof actions)[number]

export interface Policy {
  readonly action: Action
  /** Undefined: every type. */
  readonly types: ReadonlySet<number> | undefined
  /** Undefined: every client. */
  readonly networks: readonly Prefix[] | undefined
  /** As written, and where. */
  readonly text: string
  readonly at: Position
}

export interface Rule {
  readonly zones: readonly string[]
  readonly policies: readonly Policy[]
}

export const schema: DirectiveSchema<readonly Rule[]> = {
  usage: 'acl [ZONES...] { ACTION [type QTYPE...] [net SOURCE...] }',
  repeat: 'many',
  read: ({ occurrences, zones }) => occurrences.map((directive) => readRule(directive, zones)),
}

function readRule({ args, body = [] }: Directive, zones: readonly string[]): Rule {
  return { zones: zonesOf(args, zones), policies: body.map(readPolicy) }
}

function readPolicy({ word, args }: BodyLine): Policy {
  const action = value(oneOf(actions, { ignoreCase: true }), word, 'acl')
  const sections = { type: undefined as readonly Token[] | undefined, net: undefined as readonly Token[] | undefined }
  for (let at = 0; at < args.length; ) {
    const section = sectionOf(args[at])
    if (section === undefined)
      throw fail(
        `unexpected '${args[at].text}': must be 'type' or 'net'${suggestion(args[at].text, ['type', 'net'])}`,
        args[at],
      )
    let end = at + 1
    while (end < args.length && sectionOf(args[end]) === undefined) end++
    if (end === at + 1)
      throw fail(`'${args[at].text}' must be followed by ${section === 'type' ? 'types' : 'networks'}`, args[at])
    sections[section] = [...(sections[section] ?? []), ...args.slice(at + 1, end)]
    at = end
  }
  return {
    action,
    types: sections.type && readTypes(sections.type),
    networks: sections.net && readNetworks(sections.net),
    text: [word, ...args].map(({ text }) => text).join(' '),
    at: word.at,
  }
}

function sectionOf({ text }: Token): 'type' | 'net' | undefined {
  const lower = text.toLowerCase()
  return lower === 'type' || lower === 'net' ? lower : undefined
}

/** `*` stands for all types; words after it are ignored, as in CoreDNS. */
function readTypes(words: readonly Token[]): ReadonlySet<number> | undefined {
  const types = new Set<number>()
  for (const word of words) {
    if (word.text === '*') return undefined
    const number = value(queryType(), word, 'type')
    // `None` is CoreDNS's word for every type.
    if (number === type.NONE) return undefined
    types.add(number)
  }
  return types
}

function readNetworks(words: readonly Token[]): readonly Prefix[] | undefined {
  const networks: Prefix[] = []
  for (const word of words) {
    if (word.text === '*') return undefined
    const { bytes, length } = value(network({ orAddress: true }), word, 'net')
    networks.push({ address: bytes, bits: length })
  }
  return networks
}
