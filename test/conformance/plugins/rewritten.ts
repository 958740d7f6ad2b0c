/** What the `rewrite` rules of a Corefile make of a question's name: excuses hold for what that is, and not for any name. */
import { NameError, nameToWire } from '../../../src/dns/name.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Query } from '../../../src/plugin/query.ts'
import { rewrite } from '../../../src/plugins/rewrite/index.ts'
import { ask, handle, setUp } from '../../support/plugin-harness.ts'
import type { Ask } from '../queries.ts'

const instances = new Map<string, Instance | undefined>()

function instanceOf(corefile: string): Instance | undefined {
  if (!instances.has(corefile)) {
    const directives = directivesOf(corefile)
    instances.set(corefile, directives.length > 0 ? setUp(rewrite, directives.join('\n')) : undefined)
  }
  return instances.get(corefile)
}

/** The `rewrite` directives, with their blocks. Of several server blocks with rules one Corefile of ours has none. */
function directivesOf(corefile: string): string[] {
  const lines = corefile.split('\n').map((line) => line.trim())
  return lines.flatMap((line, at) => {
    if (!line.startsWith('rewrite ')) return []
    return line.endsWith(' {') ? [lines.slice(at, lines.indexOf('}', at) + 1).join('\n')] : [line]
  })
}

/** The name that the plugins behind are asked for; undefined where it would not be a name: too long, or cut within an escape. */
export function rewrittenName({ name, type }: Pick<Ask, 'name' | 'type'>, corefile: string): string | undefined {
  const instance = instanceOf(corefile)
  if (instance === undefined) return name
  const asked = ask('. A')
  const question = { ...asked.request.questions[0]!, name, type }
  const query: Query = { ...asked, qname: name, name: name.toLowerCase(), qtype: type }
  let passed: string | undefined
  // The reply may take a lookup more: only the question matters here.
  void handle(instance, { ...query, request: { ...asked.request, questions: [question] } }, (next) => {
    passed = next.qname
    return { kind: 'drop', plugin: 'test' }
  })
  return passed
}

/** Octets on the wire, where the text is a name. */
export function isTooLong(name: string): boolean {
  try {
    nameToWire(name)
    return false
  } catch (error) {
    if (error instanceof NameError) return true
    throw error
  }
}
