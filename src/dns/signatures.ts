/** Checks of record signatures by a server that does not validate. */
import { type } from './codes.ts'
import type { Message } from './message.ts'
import { readUint32 } from './values.ts'

/** RFC 4034 §3.1.5: expiration and inception, in serial number arithmetic. */
const expirationOffset = 8
const inceptionOffset = 12

/** Whether any signature of the message has expired or is not valid yet. `wallSeconds`: seconds since 1970. */
export function hasInvalidSignature({ answer, authority, additional }: Message, wallSeconds: number): boolean {
  const now = Math.floor(wallSeconds)
  return [...answer, ...authority, ...additional].some(
    ({ type: recordType, rdata }) =>
      recordType === type.RRSIG &&
      (((readUint32(rdata, expirationOffset) - now) | 0) < 0 || ((now - readUint32(rdata, inceptionOffset)) | 0) < 0),
  )
}
