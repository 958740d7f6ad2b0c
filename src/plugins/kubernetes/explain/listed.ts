/** Bound on the ports, slices or endpoints of a line: a Service may have thousands. */
export const maxListed = 20

/** The first of the texts, and how many more there are of `count` in all. */
export function listed(texts: readonly string[], count = texts.length): string {
  if (texts.length === 0) return 'none'
  const shown = texts.slice(0, maxListed)
  const more = count - shown.length
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}
