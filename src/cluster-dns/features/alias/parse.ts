/** `slicedns.io/alias`: names, comma separated, that a service takes besides its own. */
import type { ProblemReason } from '../../annotations/parsed.ts'

/** A service that wants more is a mistake, or worse: each name is kept current with each change of the service. */
export const maxAliases = 64

const maxNameText = 253
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

export interface AliasList {
  /** Lower case and absolute, each once. */
  readonly names: readonly string[]
  readonly problems: readonly { readonly reason: ProblemReason; readonly rule: string }[]
}

/** A name that is none is left out by itself. Whether it may be taken is for the Corefile to say (rules.ts). */
export function readAliases(text: string): AliasList {
  const names = new Set<string>()
  const problems: AliasList['problems'][number][] = []
  // What is far too long is not looked at as a whole: a comma may be anywhere in 256 KiB.
  const words = text.split(',', maxAliases + 1)
  for (const word of words.slice(0, maxAliases)) {
    const name = word.trim().replace(/\.$/, '').toLowerCase()
    const rule = ruleOfName(name)
    if (rule === undefined) names.add(`${name}.`)
    else problems.push({ reason: 'syntax', rule })
  }
  if (words.length > maxAliases) {
    problems.push({
      reason: 'range',
      rule: `a Service takes at most ${maxAliases} aliases: those after them are left out`,
    })
  }
  return { names: [...names], problems }
}

/**
 * Host names (RFC 1123 §2.1): no wildcard; and no underscore, for `_http._tcp.NAME` of one service would be a name that
 * belongs to whoever has the alias NAME.
 */
function ruleOfName(name: string): string | undefined {
  if (name === '') return 'it must be names, separated by single commas'
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
  if (name.length > maxNameText) return `${shown} is longer than a name can be: 253 characters`
  const labels = name.split('.')
  if (labels.includes('*')) return `${shown} is a wildcard: an alias is one name`
  if (labels.every((word) => label.test(word))) return undefined
  return `${shown} is no host name: labels have letters, digits and inner hyphens, 63 at most (write others as xn--…)`
}
