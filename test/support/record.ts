/** Parts of rdata that tests look at. */
import { formatAddress } from '../../src/dns/address.ts'
import { wireToName } from '../../src/dns/name.ts'
import { readUint16 } from '../../src/dns/values.ts'

/** The address of an A record. */
export const readA = (octets: Uint8Array): string => formatAddress(octets, 0, 4)

export const readSrv = (octets: Uint8Array) => ({
  priority: readUint16(octets, 0),
  weight: readUint16(octets, 2),
  port: readUint16(octets, 4),
  target: wireToName(octets, 6),
})
