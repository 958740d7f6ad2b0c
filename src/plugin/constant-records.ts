import type { ResourceRecord } from '../dns/message.ts'
import type { RecordSpec, RecordsSpec } from '../table/spec.ts'

/** The records of a reply, as the answer table takes them; of class IN. */
export function constantRecords(sections: {
  readonly answer?: readonly ResourceRecord[]
  readonly authority?: readonly ResourceRecord[]
  readonly additional?: readonly ResourceRecord[]
}): RecordsSpec {
  const specs = (records: readonly ResourceRecord[] = []): readonly RecordSpec[] =>
    records.map(({ name, type, ttl, rdata }) => ({ owner: name, type, ttl, rdata }))
  return {
    kind: 'records',
    answer: specs(sections.answer),
    authority: specs(sections.authority),
    additional: specs(sections.additional),
  }
}
