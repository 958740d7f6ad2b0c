/** `slicedns.io/alias`: names, separated by commas, that a service has besides its own. */
import type { Flaw, NamedAnnotation, Parsed } from '../../annotations/annotation.ts'

/** Of one Service. Each name is kept current with each change of the service, so more are a mistake or an attack. */
const maxAliases = 64

const maxNameText = 253
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** The value: names in lower case, absolute, each once. Whether the Corefile allows them is checked by rules.ts. */
export const aliasAnnotation: NamedAnnotation<readonly string[]> = {
  key: 'alias',
  on: ['Service'],
  parse: parseAliases,
}

/** An invalid name is left out by itself. */
function parseAliases(text: string): Parsed<readonly string[]> {
  const names = new Set<string>()
  const flaws: Flaw[] = []
  // The text may have 256 KiB without a comma: no more of it is looked at than the first names.
  const words = text.split(',', maxAliases + 1)
  for (const word of words.slice(0, maxAliases)) {
    const name = word.trim().replace(/\.$/, '').toLowerCase()
    const rule = ruleOfName(name)
    if (rule === undefined) names.add(`${name}.`)
    else flaws.push({ reason: 'syntax', rule })
  }
  if (words.length > maxAliases) {
    flaws.push({ reason: 'range', rule: `a Service may have at most ${maxAliases} aliases: the others are left out` })
  }
  const inPart = names.size > 0
  return { ok: true, value: [...names], flaws: flaws.map((flaw) => ({ ...flaw, inPart })) }
}

/**
 * Host names (RFC 1123 §2.1), so no wildcard and no underscore: the service that has the alias NAME has `_http._tcp.NAME`
 * too.
 */
function ruleOfName(name: string): string | undefined {
  if (name === '') return 'must be host names, separated by single commas'
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
  if (name.length > maxNameText) return `${shown} is longer than the 253 characters that a name may have`
  const labels = name.split('.')
  if (labels.includes('*')) return `${shown} is a wildcard: an alias must be one name`
  if (labels.every((word) => label.test(word))) return undefined
  return `${shown} is not a host name: labels must be at most 63 letters, digits and inner hyphens (write others as xn--…)`
}
