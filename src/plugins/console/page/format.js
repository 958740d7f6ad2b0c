/** Figures as people read them. A no-break space stands between a number and its unit. */

const space = '\u00a0'

/** @param {number} value @param {number} digits significant ones */
function significant(value, digits) {
  if (!Number.isFinite(value)) return '–'
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  return value.toFixed(Math.max(0, digits - 1 - Math.max(0, magnitude)))
}

/** 0.4, 12, 940, 12.4 k, 3.10 M. @param {number} value */
export function count(value) {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 999_500) return `${significant(value / 1e6, 3)}${space}M`
  if (Math.abs(value) >= 9999.5) return `${significant(value / 1000, 3)}${space}k`
  if (value === 0 || Math.abs(value) >= 10 || Number.isInteger(value)) return grouped(Math.round(value))
  return Math.abs(value) < 0.05 ? '<0.1' : value.toFixed(1)
}

/** 1,234,567. @param {number} value */
export function grouped(value) {
  return Math.round(value).toLocaleString('en-GB')
}

/** A latency; 0: nothing was measured. @param {number} seconds */
export function latency(seconds) {
  if (!Number.isFinite(seconds) || seconds === 0) return '–'
  if (seconds < 0.000_999_5) return `${significant(seconds * 1e6, 2)}${space}µs`
  if (seconds < 0.999_5) return `${significant(seconds * 1e3, 3)}${space}ms`
  return `${significant(seconds, 3)}${space}s`
}

/** How long something lasts or ago it was: 0.4 s, 12 s, 3 min 4 s, 2 h 5 min, 3 d 4 h. @param {number} seconds */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return '–'
  const whole = Math.max(0, Math.floor(seconds))
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)}${space}s`
  if (whole < 60) return `${whole}${space}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}${space}min ${whole % 60}${space}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}${space}h ${Math.floor((whole % 3600) / 60)}${space}min`
  return `${Math.floor(whole / 86_400)}${space}d ${Math.floor((whole % 86_400) / 3600)}${space}h`
}

/** @param {number} octets */
export function bytes(octets) {
  if (!Number.isFinite(octets)) return '–'
  if (octets >= 2 ** 30) return `${significant(octets / 2 ** 30, 3)}${space}GiB`
  return `${significant(octets / 2 ** 20, 3)}${space}MiB`
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  if (!Number.isFinite(share)) return '–'
  const value = share * 100
  if (value > 0 && value < 0.1) return `<0.1${space}%`
  return `${value < 9.95 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value)}${space}%`
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** 12:03:11, in the time zone of the reader. @param {number} time ms since the epoch */
export const timeOfDay = (time) => clock.format(time)

/** 12:03. @param {number} time ms since the epoch */
export const minuteOfDay = (time) => minute.format(time)

/** @param {number} time ms since the epoch */
export const dateAndTime = (time) => date.format(time)

/** 1 service, 2 services. @param {number} number @param {string} one @param {string} [more] */
export function plural(number, one, more = `${one}s`) {
  return `${grouped(number)} ${number === 1 ? one : more}`
}
