/** CoreDNS refuses longer ones. */
const maxLength = 10_000

/** What Go's regular expressions (RE2) do not have, and JavaScript's do or would take for something else. */
const refused: readonly (readonly [RegExp, string])[] = [
  [/^(?:[^\\]|\\.)*?\(\?<?[=!]/s, 'look-ahead and look-behind are not supported'],
  [/^(?:[^\\]|\\.)*?\\[1-9k]/s, 'references to groups are not supported'],
  [/^(?:[^\\]|\\.)*?\\Z/s, '\\Z is not supported, write \\z'],
]

const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t-\\r ',
  upper: 'A-Z',
  word: 'A-Za-z0-9_',
  xdigit: '0-9A-Fa-f',
}

/**
 * A Go regular expression as one of ours, for yes or no (its groups are not looked at); or in words what is wrong.
 * Greediness does not matter for that, so the flag U falls away.
 */
export function compilePattern(text: string): RegExp | string {
  if (text.length > maxLength) return `it is longer than ${maxLength} characters`
  for (const [found, reason] of refused) if (found.test(text)) return reason
  const [, flags, rest] = /^(?:\(\?([imsU]+)\))?(.*)$/s.exec(text)!
  const source = rest
    .replace(/\\Q(.*?)(?:\\E|$)/gs, (_, literal: string) => literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .replace(/\[:(\^?)(\w+):\]/g, (whole, not: string, name: string) =>
      not === '' && Object.hasOwn(classes, name) ? classes[name] : whole,
    )
    .replace(/\(\?P</g, '(?<')
    .replace(/\\A/g, '(?<![^])')
    .replace(/\\z/g, '(?![^])')
  try {
    return new RegExp(source, [...new Set(flags ?? '')].filter((flag) => flag !== 'U').join(''))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
