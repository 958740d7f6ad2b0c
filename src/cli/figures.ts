/** Figures for people: with a unit, and with only the significant digits. */

/** `2d3h`, `3h5m`, `7m2s`, `12s`. */
export function elapsed(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor(seconds / 3_600) % 24
  const minutes = Math.floor(seconds / 60) % 60
  if (days > 0) return `${days}d${hours}h`
  if (hours > 0) return `${hours}h${minutes}m`
  return minutes > 0 ? `${minutes}m${Math.floor(seconds) % 60}s` : `${Math.max(0, Math.floor(seconds))}s`
}

/** Per second: `0.2/s`, `42/s`, `12.3k/s`. */
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) return '<0.1/s'
  if (perSecond >= 10_000) return `${(perSecond / 1000).toFixed(1)}k/s`
  return `${perSecond >= 10 || perSecond === 0 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`
}

/** `0.05 ms`, `1.2 ms`, `340 ms`, `2.5 s`. */
export function duration(seconds: number): string {
  const milliseconds = seconds * 1000
  if (milliseconds >= 1000) return `${seconds.toFixed(1)} s`
  return `${milliseconds >= 10 ? Math.round(milliseconds) : milliseconds.toFixed(milliseconds >= 1 ? 1 : 2)} ms`
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`

export const mebibytes = (octets: number): string => `${Math.round(octets / 2 ** 20)} MiB`
