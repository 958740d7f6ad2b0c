/** `rewrite cname`: rewrites the target of a CNAME in the reply, and looks up the new target. */
import { fail } from '../../../corefile/read.ts'
import type { Token } from '../../../corefile/schema.ts'
import { type } from '../../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../../dns/message.ts'
import { rdata, readName } from '../../../dns/rdata.ts'
import { everyName } from '../../../plugin/name-matcher.ts'
import { readPattern } from '../../../plugin/pattern-value.ts'
import type { Query } from '../../../plugin/query.ts'
import { absolute, type Replacer, readMatchKind, replacer } from '../match.ts'
import { escaped, validName } from '../names.ts'
import type { Rule } from '../rule.ts'

/** `cname [MATCH] FROM TO`. Throws ConfigError. */
export function readCnameRule(mode: Rule['mode'], args: readonly Token[], place: Token): Rule {
  if (args.length < 2 || args.length > 3) throw fail('a cname rule must have [MATCH] FROM and TO', args[3] ?? place)
  const kind = args.length === 2 ? 'exact' : readMatchKind(args[0])
  const [from, to] = args.slice(-2)
  const pattern = kind === 'regex' ? readPattern({ ...from, text: from.text.toLowerCase() }) : undefined
  const texts = [from, to].map(({ text }) => (kind === 'exact' ? absolute(text) : text.toLowerCase()))
  const replace = replacer(kind, texts[0], escaped(texts[1]), pattern)
  const reason = `rewrite cname ${kind} ${from.text} ${to.text}`
  return {
    mode,
    // Any name may have a CNAME.
    claim: { names: everyName, reason, at: place.at },
    apply: (query) => ({
      query,
      response: [{ kind: 'message', rewrite: (message, asked) => retarget(message, asked, replace) }],
    }),
  }
}

/**
 * For each CNAME that matches, the answer is the CNAMEs up to it and the answer for its new target. As in CoreDNS, a
 * CNAME of another section counts, too: then all CNAMEs of the answer are kept.
 */
async function retarget(message: Message, query: Query, replace: Replacer): Promise<Message> {
  let { answer, truncated } = message
  for (const record of [...message.authority, ...message.answer, ...message.additional]) {
    if (record.type !== type.CNAME) continue
    const from = readName(record.rdata)
    const target = replace(from, query.budget.steps)
    if (target === undefined) continue
    const found = await query.lookup(validName(target), query.qtype)
    if (found.kind === 'drop' || (found.kind === 'rcode' && found.ofQuestion)) continue
    const isFrom = ({ rdata: alias }: ResourceRecord): boolean => readName(alias) === from
    const aliases = answer.filter((each) => each.type === type.CNAME)
    const at = aliases.findIndex(isFrom)
    const kept = at < 0 ? aliases : [...aliases.slice(0, at), { ...aliases[at]!, rdata: rdata.name(target) }]
    answer = found.kind === 'reply' ? [...kept, ...found.message.answer] : kept
    truncated = found.kind === 'reply' && found.message.truncated
  }
  return { ...message, answer, truncated }
}
