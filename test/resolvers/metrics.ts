/** Counters of a server, read from its /metrics. */

/** The counter's sum for each value of the label. */
export function sumBy(text: string, counter: string, label: string): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const [, labels, count] of text.matchAll(new RegExp(`^${counter}\\{(.*)\\} (\\d+)$`, 'gm'))) {
    const value = new RegExp(`${label}="([^"]*)"`).exec(labels!)?.[1] ?? ''
    sums[value] = (sums[value] ?? 0) + Number(count)
  }
  return sums
}
