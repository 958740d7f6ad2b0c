import { hostname } from 'node:os'
import { argCount, fail } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { dnsClass, type } from '../../dns/codes.ts'
import { rdata } from '../../dns/rdata.ts'
import { replyTo } from '../../dns/reply.ts'
import { everyClass } from '../../plugin/capabilities/listening.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'

interface Settings {
  /** Undefined: slicedns's own name and version. */
  readonly version: string | undefined
  readonly authors: readonly string[]
}

const ourselves = ['The slicedns authors']

const schema: DirectiveSchema<Settings> = {
  usage: 'chaos [VERSION] [AUTHORS...]',
  repeat: 'many',
  read({ occurrences: [directive] }) {
    argCount(directive, 0)
    const [option] = directive.body ?? []
    if (option !== undefined) throw fail(`unknown property '${option.word.text}' of chaos: it takes none`, option)
    const [version, ...authors] = directive.args.map(({ text }) => cut(text))
    return { version, authors: authors.length > 0 ? [...new Set(authors)].sort() : ourselves }
  },
}

/** A character string holds 255 octets (RFC 1035 §3.3); a character of UTF-8 is not cut in two. */
function cut(text: string): string {
  const octets = Buffer.from(text, 'utf8')
  let end = Math.min(octets.length, 255)
  while (end < octets.length && (octets[end] & 0xc0) === 0x80) end--
  return octets.toString('utf8', 0, end)
}

/** Answers version.bind and its like in class CH: who made this server, and on which machine it runs. */
export const chaos: Plugin<Settings> = {
  name: 'chaos',
  schema,
  setup({ version, authors }, { process }) {
    const texts: Readonly<Record<string, () => readonly string[]>> = {
      'authors.bind.': () => shuffled(authors),
      'version.bind.': () => [version ?? process.version],
      'version.server.': () => [version ?? process.version],
      'hostname.bind.': () => [cut(hostname())],
      'id.server.': () => [cut(hostname())],
    }
    return {
      handler(query, next) {
        const isOurs = query.qclass === dnsClass.CH && query.qtype === type.TXT && Object.hasOwn(texts, query.name)
        return isOurs ? answer(query, texts[query.name]()) : next(query)
      },
      provides: [provide(everyClass, true), provide(relayPassage, passesEverything)],
    }
  },
}

function shuffled(texts: readonly string[]): readonly string[] {
  const keyed = texts.map((text) => ({ text, key: Math.random() }))
  return keyed.sort((left, right) => left.key - right.key).map(({ text }) => text)
}

function answer(query: Query, texts: readonly string[]): Outcome {
  const records = texts.map((text) => ({
    name: query.qname,
    type: type.TXT,
    class: dnsClass.CH,
    ttl: 0,
    rdata: rdata.txt([text]),
  }))
  return { kind: 'reply', plugin: 'chaos', message: replyTo(query.request, { answer: records }) }
}
