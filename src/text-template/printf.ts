/** The verbs of Go's fmt that fit the values of templates. */
import { isArray, kindOf, textOf, type Value } from './value.ts'

const maxWidth = 1000

/** Go's fmt.Sprintf. A verb that does not fit its value is printed as Go prints it: `%!d(string=x)`. */
export function formatted(format: string, args: readonly Value[]): string {
  let next = 0
  const text = format.replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d*))?(.)?/gsu,
    (whole, flags: string, width: string | undefined, precision: string | undefined, verb: string | undefined) => {
      if (verb === undefined) return `${whole.replace(/%.*/s, '')}%!(NOVERB)`
      if (verb === '%') return '%'
      if (next >= args.length) return `%!${verb}(MISSING)`
      const places = precision === undefined ? undefined : Math.min(Number(precision), maxWidth)
      return padded(verbText(verb, args[next++], flags, places), flags, Math.min(Number(width ?? 0), maxWidth), verb)
    },
  )
  const extra = args.slice(next).map((arg) => `${kindOf(arg)}=${textOf(arg)}`)
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.join(', ')})` : text
}

function padded(text: string, flags: string, width: number, verb: string): string {
  const missing = width - [...text].length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  if (!flags.includes('0') || !/[dxXobfFeEgG]/.test(verb)) return ' '.repeat(missing) + text
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

const bases: Readonly<Record<string, number>> = { d: 10, x: 16, X: 16, o: 8, b: 2 }

function verbText(verb: string, value: Value, flags: string, precision: number | undefined): string {
  const misfit = `%!${verb}(${kindOf(value)}=${textOf(value)})`
  if (isArray(value) && verb !== 'v')
    return `[${value.map((item) => verbText(verb, item, flags, precision)).join(' ')}]`
  switch (verb) {
    case 'v':
      return textOf(value)
    case 't':
      return typeof value === 'boolean' ? String(value) : misfit
    case 's':
      if (typeof value !== 'string') return misfit
      return precision === undefined ? value : [...value].slice(0, precision).join('')
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : misfit
    case 'c':
      return kindOf(value) === 'int' ? character(Number(value)) : misfit
    case 'f':
    case 'F':
      return typeof value === 'number' && kindOf(value) === 'float64'
        ? value.toFixed(Math.min(precision ?? 6, 100))
        : misfit
    case 'e':
    case 'g':
      return typeof value === 'number' && kindOf(value) === 'float64' ? String(value) : misfit
    default:
      return verb in bases ? (integerText(verb, value, flags) ?? misfit) : misfit
  }
}

/** U+FFFD for an invalid code point. */
function character(code: number): string {
  const isCharacter = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  return isCharacter ? String.fromCodePoint(code) : '\ufffd'
}

function integerText(verb: string, value: Value, flags: string): string | undefined {
  if (typeof value === 'string' && (verb === 'x' || verb === 'X')) {
    const hex = Buffer.from(value).toString('hex')
    return verb === 'X' ? hex.toUpperCase() : hex
  }
  if ((typeof value !== 'number' && typeof value !== 'bigint') || kindOf(value) !== 'int') return undefined
  const digits = value.toString(bases[verb])
  const prefix = flags.includes('#') ? ({ x: '0x', X: '0X', o: '0', b: '0b' }[verb] ?? '') : ''
  const sign = flags.includes('+') && value >= 0 ? '+' : flags.includes(' ') && value >= 0 ? ' ' : ''
  const text = value < 0 ? `-${prefix}${digits.slice(1)}` : sign + prefix + digits
  return verb === 'X' ? text.toUpperCase() : text
}
