/** The names of types, classes and response codes that a Corefile may use: those of CoreDNS's DNS library, in its spelling. */
import type { Kind } from '../corefile/read.ts'
import { dnsClass, rcode, type } from '../dns/codes.ts'

const { NONE: noType, ...ordinaryTypes } = type

/** Types that have a name there, and nothing but that here: their records are written by number (RFC 3597). */
const typeNumbers: Readonly<Record<string, number>> = {
  ...ordinaryTypes,
  None: noType,
  'NSAP-PTR': 23,
  GPOS: 27,
  EID: 31,
  NIMLOC: 32,
  ATMA: 34,
  NINFO: 56,
  RKEY: 57,
  TALINK: 58,
  UINFO: 100,
  UID: 101,
  GID: 102,
  UNSPEC: 103,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  NXNAME: 128,
  AVC: 258,
  AMTRELAY: 260,
  RESINFO: 261,
  TA: 32_768,
  DLV: 32_769,
  Reserved: 65_535,
}

const classNumbers: Readonly<Record<string, number>> = { ...dnsClass, CS: 2 }

const { BADVERS: badSignature, ...ordinaryCodes } = rcode

/** 16 is BADVERS in a reply with EDNS and BADSIG in TSIG; there it has the one name. */
const codeNumbers: Readonly<Record<string, number>> = { ...ordinaryCodes, DSOTYPENI: 11, BADSIG: badSignature }

interface Case {
  /** Any case will do. */
  readonly anyCase?: boolean
}

/** The number of a query type. */
export const queryType = (options: Case = {}): Kind<number> => named('a query type, as A or AAAA', typeNumbers, options)

/** The number of a query class. */
export const queryClass = (options: Case = {}): Kind<number> => named('a query class, as IN', classNumbers, options)

/** The number of a response code. */
export const responseCode = (options: Case = {}): Kind<number> =>
  named('a response code, as NXDOMAIN', codeNumbers, options)

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
