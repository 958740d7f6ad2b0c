/** Checks the records of a zone file or a database before they become the zone. */
import { type, typeName } from '../../dns/codes.ts'
import { readSoa } from '../../dns/rdata.ts'
import type { ZoneRecords } from './records.ts'
import type { DynupdateSettings } from './settings.ts'
import { isUnsupported } from './update.ts'

type Bounds = Pick<DynupdateSettings, 'maxRecords' | 'maxOctets'>

export const isTooLarge = ({ size, octets }: ZoneRecords, { maxRecords, maxOctets }: Bounds): boolean =>
  size > maxRecords || octets > maxOctets

/** Throws RangeError with what is wrong. */
export function checkZone(records: ZoneRecords, bounds: Bounds): void {
  if (isTooLarge(records, bounds))
    throw new RangeError(`the zone exceeds max_records (${bounds.maxRecords}) or max_bytes (${bounds.maxOctets})`)
  const soas = records.of(records.origin, type.SOA)
  if (soas.length !== 1) throw new RangeError(`the zone must have one SOA record, not ${soas.length}`)
  if (readSoa(soas[0].rdata).serial === 0) throw new RangeError('the serial of the SOA record must not be 0')
  for (const { name, type: rrType } of records.all()) {
    if (isUnsupported(rrType))
      throw new RangeError(`the zone has ${typeName(rrType)} records: they would be wrong after an update`)
    if (rrType === type.CNAME && records.at(name).length > 1)
      throw new RangeError(`${name} has a CNAME record and others`)
  }
}
