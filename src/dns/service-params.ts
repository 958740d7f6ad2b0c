/** SvcParams of SVCB and HTTPS records from text (RFC 9460 §2.1 and appendix A). */
import { parseAddress } from './address.ts'
import { characterString, join, uint16 } from './values.ts'
import { undoEscapes, type Word } from './words.ts'

/** RFC 9460 §14.3.2, RFC 9461, RFC 9540. */
const keyNumbers: ReadonlyMap<string, number> = new Map(
  ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint', 'dohpath', 'ohttp'].map((key, at) => [
    key,
    at,
  ]),
)

/** The octets of `key=value …`, in order of the keys' numbers. Throws RangeError. */
export function parseServiceParams(words: readonly Word[]): Uint8Array {
  const params = new Map<number, Uint8Array>()
  for (let at = 0; at < words.length; at++) {
    const { text, quoted } = words[at]
    const [, key, rest] = /^([a-z0-9-]+)(?:=([\s\S]*))?$/.exec(quoted ? '' : text) ?? []
    if (key === undefined) throw new RangeError(`"${text}" is not a parameter: write KEY or KEY=VALUE`)
    // `alpn="h2,h3"` is split into two words, because quotes begin a new one.
    const isApart = rest === '' && words[at + 1]?.quoted
    const value = isApart ? words[++at].text : (rest ?? '')
    const number = keyNumber(key)
    if (params.has(number)) throw new RangeError(`the parameter ${key} is written twice`)
    params.set(number, paramValue(key, value))
  }
  const sorted = [...params].toSorted(([a], [b]) => a - b)
  return join(...sorted.flatMap(([number, value]) => [uint16(number), uint16(value.length), value]))
}

function keyNumber(key: string): number {
  const number = keyNumbers.get(key) ?? Number(/^key(0|[1-9]\d{0,4})$/.exec(key)?.[1] ?? -1)
  if (number < 0 || number > 0xfffe) throw new RangeError(`the parameter ${key} is unknown: write keyNUMBER`)
  return number
}

function paramValue(key: string, text: string): Uint8Array {
  const wrong = (what: string): RangeError => new RangeError(`the value of ${key} must be ${what}, not "${text}"`)
  switch (key) {
    case 'mandatory':
      return join(
        ...listOf(text)
          .map(keyNumber)
          .toSorted((a, b) => a - b)
          .map(uint16),
      )
    case 'alpn': {
      const ids = alpnIds(text)
      if (ids.some((id) => id.length === 0)) throw wrong('a list of protocols')
      return join(...ids.map(characterString))
    }
    case 'no-default-alpn':
    case 'ohttp':
      if (text !== '') throw wrong('empty')
      return new Uint8Array()
    case 'port':
      if (!/^\d{1,5}$/.test(text)) throw wrong('a port')
      return uint16(Number(text))
    case 'ipv4hint':
    case 'ipv6hint': {
      const octets = key === 'ipv4hint' ? 4 : 16
      const addresses = listOf(text).map((address) => parseAddress(address))
      if (!addresses.every((address) => address?.length === octets))
        throw wrong(`a list of IPv${octets === 4 ? 4 : 6} addresses`)
      return join(...(addresses as Uint8Array[]))
    }
    case 'ech':
      return Uint8Array.from(Buffer.from(text, 'base64'))
    default:
      return undoEscapes(text)
  }
}

const listOf = (text: string): string[] => text.split(',')

/** A comma inside a protocol's name is written `\\,` (RFC 9460 appendix A.1). */
function alpnIds(text: string): Uint8Array[] {
  const ids: number[][] = [[]]
  const octets = undoEscapes(text)
  for (let at = 0; at < octets.length; at++) {
    if (octets[at] === 0x2c) ids.push([])
    else {
      if (octets[at] === 0x5c && at + 1 < octets.length) at++
      ids.at(-1)?.push(octets[at])
    }
  }
  return ids.map((id) => Uint8Array.from(id))
}
