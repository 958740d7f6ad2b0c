/**
 * Reads the words of one directive as its plugin does in CoreDNS, which has no tree of blocks: the plugin's loop takes
 * the rest of a line and the lines up to the first `}`, whichever `{` that closes; the rest is read as if the directive
 * began again.
 */
import type { BodyLine, Directive, Spill, Token } from './schema.ts'

/** A word, its variables replaced. */
export interface PlacedToken extends Token {
  readonly startsLine: boolean
}

/** Cuts the words, the directive's own first, into occurrences. */
export function occurrencesOf(tokens: readonly PlacedToken[]): Directive[] {
  const [directive] = tokens
  const occurrences: Directive[] = []
  let at = 0
  /** Braces opened and not yet closed, as CoreDNS counts them: `{ }` with nothing inside does not count. */
  let depth = 0

  const hasArgument = () => at + 1 < tokens.length && !tokens[at + 1].startsLine

  function restOfLine(): Token[] {
    const from = at + 1
    while (hasArgument() && tokens[at + 1].text !== '{') at++
    return tokens.slice(from, at + 1)
  }

  /** Moves to the `{` after the word, if it is on the same line. */
  function opens(): boolean {
    if (!hasArgument() || tokens[at + 1].text !== '{') return false
    at++
    return true
  }

  /** Moves to the next line of the body; false where the plugin's loop ends. */
  function nextLine(): boolean {
    if (depth > 0) {
      if (at + 1 === tokens.length) return false
      if (tokens[at + 1].text !== '{') {
        at++
        if (tokens[at].text !== '}') return true
        depth--
        return false
      }
    }
    if (!opens() || at + 1 === tokens.length) return false
    at++
    if (tokens[at].text === '}') return false
    depth++
    return true
  }

  for (; at < tokens.length; at++) {
    const word = tokens[at]
    const spill = at === 0 ? undefined : spillAt(tokens, at)
    const args = restOfLine()
    const lines: BodyLine[] = []
    const from = at
    while (nextLine()) lines.push({ word: tokens[at], args: restOfLine() })
    const body = at > from ? lines : undefined
    const opened = body && tokens[from + 1].at
    occurrences.push({ word: directive.text, at: word.at, args, body, opened, spill })
  }
  return occurrences
}

/** Why an occurrence of the directive begins at this word, although none was meant to. */
function spillAt(tokens: readonly PlacedToken[], at: number): Spill {
  const [directive] = tokens
  const braces = tokens.slice(1, at + 1).filter(({ text }) => text === '{')
  const brace = braces.find(({ startsLine }) => startsLine)
  if (brace !== undefined && braces[0] === brace)
    return { at: brace.at, reason: `'{' must be on the line of its directive, after '${directive.text}'` }
  const [, inner] = braces
  if (inner !== undefined && tokens.indexOf(inner) <= at && !closedBefore(tokens, inner))
    return {
      at: inner.at,
      reason: `a block inside a block: the first '}' ends both, and what follows counts as another '${directive.text}'`,
    }
  const word = tokens[at]
  return {
    at: word.at,
    reason: `Unexpected '${word.text}' after '}': a directive must begin on a line of its own`,
  }
}

/** Whether the first block is closed before the word. */
function closedBefore(tokens: readonly PlacedToken[], word: PlacedToken): boolean {
  let depth = 0
  for (const { text } of tokens.slice(0, tokens.indexOf(word))) {
    if (text === '{') depth++
    if (text === '}') depth--
  }
  return depth === 0
}
