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

/** What could not be measured (nothing came back, a division by it) is a dash, not a number. */
const shown = (value: number, text: (value: number) => string): string => (Number.isFinite(value) ? text(value) : '–')

export const thousands = (value: number): string => shown(value, (finite) => Math.round(finite).toLocaleString('en-US'))
export const micros = (seconds: number): string => shown(seconds * 1e6, (finite) => finite.toFixed(2))
export const millis = (milliseconds: number): string => shown(milliseconds, (finite) => finite.toFixed(2))
export const mebibytes = (value: number): string => shown(value, (finite) => finite.toFixed(0))
export const ratio = (value: number): string => shown(value, (finite) => `${finite.toFixed(2)} ×`)
