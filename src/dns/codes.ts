/**
 * Numbers of the DNS protocol and their names (IANA "Domain Name System (DNS) Parameters"), as far as CoreDNS's DNS library
 * has them.
 */

export const type = {
  NONE: 0,
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  'NSAP-PTR': 23,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  EID: 31,
  NIMLOC: 32,
  SRV: 33,
  ATMA: 34,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  NINFO: 56,
  RKEY: 57,
  TALINK: 58,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  UINFO: 100,
  UID: 101,
  GID: 102,
  UNSPEC: 103,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  AMTRELAY: 260,
  RESINFO: 261,
  TA: 32_768,
  DLV: 32_769,
  Reserved: 65_535,
} as const

export const rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const

export const opcode = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5 } as const

export const dnsClass = { IN: 1, CS: 2, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

const invert = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, number]) => [number, name]))

const typeNames = new Map([...invert(type), [type.NONE, 'None']])
const typeNumbers: ReadonlyMap<string, number> = new Map(Object.entries(type))
const rcodeNames = new Map([...invert(rcode), [rcode.BADVERS, 'BADSIG']])
const classNames = invert(dnsClass)

/** `A`, or `TYPE999` for a type without a name (RFC 3597 §5). */
export const typeName = (number: number): string => typeNames.get(number) ?? `TYPE${number}`

/** As `typeName`, but undefined for a type without a name. */
export const properTypeName = (number: number): string | undefined => typeNames.get(number)

/** The number of `A` or `TYPE999`, in exactly that case; undefined if there is no such type. */
export const typeNumber = (text: string): number | undefined => typeNumbers.get(text) ?? numbered(text, 'TYPE')

/** Whether a zone can have records of the type: not those that occur in messages or questions only (RFC 6895 §3.1). */
export const isZoneType = (number: number): boolean =>
  number !== type.NONE && number !== type.OPT && (number < type.TKEY || number > type.ANY)

/** `NXDOMAIN`, or `RCODE4000`. 16 is BADSIG, as in CoreDNS's logs and metrics. */
export const rcodeName = (number: number): string => rcodeNames.get(number) ?? `RCODE${number}`

/** `IN`, or `CLASS99` (RFC 3597 §5). 255 is CLASS255, as in CoreDNS's log, because ANY is also a type. */
export const className = (number: number): string =>
  number === dnsClass.ANY ? `CLASS${number}` : (classNames.get(number) ?? `CLASS${number}`)

/** `IN` or `ANY`; undefined for a class without a name. */
export const properClassName = (number: number): string | undefined => classNames.get(number)

function numbered(text: string, prefix: string): number | undefined {
  if (!text.startsWith(prefix) || !/^\d{1,5}$/.test(text.slice(prefix.length))) return undefined
  const number = Number(text.slice(prefix.length))
  return number <= 0xffff ? number : undefined
}
