/** The names of types, classes and response codes that a Corefile may use: those of CoreDNS's DNS library, in its spelling. */
import type { Kind } from '../corefile/read.ts'
import { dnsClass, opcode, rcode, type } from '../dns/codes.ts'
import { lowerName, NameError, parseName } from '../dns/name.ts'

const { NONE: noType, ...ordinaryTypes } = type

const typeNumbers: Readonly<Record<string, number>> = { ...ordinaryTypes, None: noType }

const { BADVERS: badSignature, ...ordinaryCodes } = rcode

/** 16 is BADVERS in a reply with EDNS and BADSIG in TSIG; there it has the one name. */
const codeNumbers: Readonly<Record<string, number>> = { ...ordinaryCodes, NOTIMPL: rcode.NOTIMP, BADSIG: badSignature }

interface Case {
  /** Any case will do. */
  readonly anyCase?: boolean
}

/** The number of a query type. */
export const queryType = (options: Case = {}): Kind<number> =>
  named('a query type such as A or AAAA', typeNumbers, options)

/** The number of a query class. */
export const queryClass = (options: Case = {}): Kind<number> => named('a query class such as IN', dnsClass, options)

/** The number of a response code. */
export const responseCode = (options: Case = {}): Kind<number> =>
  named('a response code such as NXDOMAIN', codeNumbers, options)

/** The number of an opcode. */
export const operation: Kind<number> = named('an opcode such as UPDATE', opcode, {})

/** A name, lower case and absolute. `expected`: what it is the name of. */
export const domainName = (expected: string): Kind<string> => ({
  expected,
  parse(word) {
    try {
      return lowerName(parseName(word))
    } catch (error) {
      if (error instanceof NameError) return undefined
      throw error
    }
  },
})

function named(expected: string, numbers: Readonly<Record<string, number>>, { anyCase = false }: Case): Kind<number> {
  return {
    expected,
    words: Object.keys(numbers),
    parse(word) {
      const name = anyCase ? word.toUpperCase() : word
      return Object.hasOwn(numbers, name) ? numbers[name] : undefined
    },
  }
}
