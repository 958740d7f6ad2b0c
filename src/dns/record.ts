/** Creates resource records of class IN. */
import { dnsClass, type as rrType } from './codes.ts'
import type { ResourceRecord } from './message.ts'

/** `ttl` in seconds, `rdata` in wire form. */
export const record = (name: string, type: number, ttl: number, rdata: Uint8Array): ResourceRecord => ({
  name,
  type,
  class: dnsClass.IN,
  ttl,
  rdata,
})

/** A or AAAA: `address` has 4 or 16 octets. */
export const addressRecord = (name: string, ttl: number, address: Uint8Array): ResourceRecord =>
  record(name, address.length === 4 ? rrType.A : rrType.AAAA, ttl, address)
