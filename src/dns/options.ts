/** Properties of EDNS options by code. */
import type { EdnsOption } from './message.ts'
import { maxLabelOctets, maxNameOctets } from './name.ts'

/** IANA's registry of EDNS0 option codes. */
const code = {
  LLQ: 1,
  UPDATE_LEASE: 2,
  NSID: 3,
  CLIENT_SUBNET: 8,
  EXPIRE: 9,
  COOKIE: 10,
  TCP_KEEPALIVE: 11,
  PADDING: 12,
  EXTENDED_ERROR: 15,
  REPORT_CHANNEL: 18,
  ZONE_VERSION: 19,
} as const

/**
 * Whether a request's option does not affect any reply: padding, cookies and the like, if well-formed. No reply returns them
 * (CoreDNS 1.15). NSID is not among them: the plugin of that name answers it.
 */
export function isWithoutEffect(number: number, octets: number): boolean {
  switch (number) {
    case code.PADDING:
      return true
    case code.EXPIRE:
      return octets === 0 || octets === 4
    case code.COOKIE:
      // RFC 7873 §4: the client's 8 octets, alone or with 8 to 32 of the server.
      return octets === 8 || (octets >= 16 && octets <= 40)
    case code.TCP_KEEPALIVE:
      return octets === 0 || octets === 2
    default:
      return false
  }
}

/** False for an option that makes CoreDNS (miekg/dns) answer FORMERR. It accepts cookies of any form. */
export function isWellFormed({ code: number, data }: EdnsOption): boolean {
  const octets = data.length
  switch (number) {
    case code.LLQ:
      return octets >= 18
    case code.UPDATE_LEASE:
      return octets === 4 || octets === 8
    case code.CLIENT_SUBNET:
      return octets >= 4 && isSubnet(data)
    case code.EXPIRE:
      return octets === 0 || octets >= 4
    case code.TCP_KEEPALIVE:
      return octets === 0 || octets === 2
    case code.EXTENDED_ERROR:
    case code.ZONE_VERSION:
      return octets >= 2
    case code.REPORT_CHANNEL:
      return beginsWithName(data)
    default:
      return true
  }
}

/** RFC 7871 §6: family, source and scope prefix lengths. */
function isSubnet(data: Uint8Array): boolean {
  const family = (data[0] << 8) | data[1]
  const [, , source, scope] = data
  if (family === 0) return source === 0
  const most = family === 1 ? 32 : family === 2 ? 128 : -1
  return source <= most && scope <= most
}

function beginsWithName(data: Uint8Array): boolean {
  let at = 0
  while (at < data.length && data[at] !== 0 && data[at] <= maxLabelOctets) at += 1 + data[at]
  return at < Math.min(data.length, maxNameOctets) && data[at] === 0
}
