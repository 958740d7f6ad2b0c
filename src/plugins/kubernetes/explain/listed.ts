/** Ports, slices or endpoints that a line names: a Service may have thousands of them. */
export const maxListed = 20

/** The texts, of `count` in all: the first of them, and how many more there are. */
export function listed(texts: readonly string[], count = texts.length): string {
  if (texts.length === 0) return 'none'
  const shown = texts.slice(0, maxListed)
  const more = count - shown.length
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}
