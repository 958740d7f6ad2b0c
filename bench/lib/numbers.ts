/** Figures and how they are printed. */

/** Of sorted or unsorted values; `share` between 0 and 1. NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      widths
        .map((width, column) => pad(row[column] ?? '', width, column === 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function pad(text: string, width: number, left: boolean): string {
  return left ? text.padEnd(width) : text.padStart(width)
}

export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')
export const micros = (seconds: number): string => (seconds * 1e6).toFixed(2)
export const millis = (milliseconds: number): string => milliseconds.toFixed(2)
export const mebibytes = (value: number): string => value.toFixed(0)
export const ratio = (value: number): string => `${value.toFixed(2)} ×`
