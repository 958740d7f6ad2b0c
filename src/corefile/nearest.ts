/**
 * The known word that a misspelled one was most likely meant to be, or undefined when none is near. A swap of two
 * neighbours counts as one mistake, as does a letter too many, too few or wrong; short words may have fewer of them.
 */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined
  // A word of thousands of letters is not a misspelling.
  let bestDistance = word.length > 64 ? 0 : Math.min(3, Math.ceil(word.length / 3)) + 1
  for (const known of words) {
    const distance = editDistance(word.toLowerCase(), known.toLowerCase())
    if (distance < bestDistance) {
      best = known
      bestDistance = distance
    }
  }
  return best
}

/** `: did you mean 'x'?`, or nothing. */
export function suggestion(word: string, words: Iterable<string>): string {
  const known = nearest(word, words)
  return known === undefined ? '' : `: did you mean '${known}'?`
}

/** Optimal string alignment distance, row by row. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]
}
