/** `{%NAME%}` and `{$NAME}` in a word. An unset variable is empty; there is no default syntax. */

const maxReplacements = 1000
const maxLength = 2 ** 20

/**
 * Replaces the variables of one word. What comes out is never cut into words again. Gives undefined when the value of
 * a variable refers to itself.
 */
export function replaceVariables(text: string, env: (name: string) => string | undefined): string | undefined {
  const outer = replace(text, '{%', '%}', env)
  return outer === undefined ? undefined : replace(outer, '{$', '}', env)
}

function replace(
  text: string,
  open: string,
  close: string,
  env: (name: string) => string | undefined,
): string | undefined {
  let result = text
  for (let count = 0; ; count++) {
    const start = result.indexOf(open)
    const end = start === -1 ? -1 : result.indexOf(close, start)
    // As CoreDNS: a reference without a name ends the search.
    if (end === -1 || end <= start + open.length) return result
    if (count === maxReplacements || result.length > maxLength) return undefined
    const reference = result.slice(start, end + close.length)
    result = result.replaceAll(reference, () => env(reference.slice(open.length, -close.length)) ?? '')
  }
}
