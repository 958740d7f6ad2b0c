/** What the search box asks. */

/**
 * The question that a text in the search box asks: NAME, NAME TYPE, or an address. @param {string} text
 * @returns {readonly string[]} the path behind `#/explain`
 */
export function questionIn(text) {
  const [name = '', type] = text.trim().split(/\s+/)
  if (name === '') return []
  const pointer = pointerName(name)
  if (pointer !== undefined) return [pointer, type?.toUpperCase() ?? 'PTR']
  return [name, type?.toUpperCase() ?? (name.startsWith('_') ? 'SRV' : 'A')]
}

/** The name that stands for an address (RFC 1035 §3.5, RFC 3596 §2.5). @param {string} text */
function pointerName(text) {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return `${text.split('.').reverse().join('.')}.in-addr.arpa.`
  if (!/^[0-9a-f:]*:[0-9a-f:]*$/i.test(text)) return undefined
  const [head, tail, surplus] = text.split('::').map((half) => half.split(':').filter(Boolean))
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (surplus || missing < 0 || (tail === undefined && missing > 0)) return undefined
  const groups = [...head, ...Array(missing).fill('0'), ...(tail ?? [])]
  if (groups.some((group) => group.length > 4)) return undefined
  return `${groups
    .map((group) => group.padStart(4, '0'))
    .join('')
    .split('')
    .reverse()
    .join('.')}.ip6.arpa.`
}
