/** The messages of a zone transfer (RFC 5936 §2.2): the SOA, all other records, the SOA again. */
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import type { ZoneSnapshot } from './capability.ts'

/**
 * Octets of a message's records before compression, so that they always fit into the 65,535 of a message. CoreDNS's
 * figure.
 */
const batchOctets = 63_000
/**
 * Records of a message: a quarter of a millisecond of work. The number is small enough for the young
 * generation: with messages of 1,000 records, a zone of 470,000 records took 50 MB more until the next full collection.
 */
const batchRecords = 200

/**
 * The largest record that fits a message beside the header, the question and a signature: 12, 259 and 538 octets at
 * most. A larger one is an error: if it were left out, the secondary would deny it.
 */
const maxRecordOctets = 64_700

/** Type, class, TTL and length of the rdata, and the one octet that a name is longer on the wire than in text. */
const fixedOctets = 10 + 1

/**
 * Generates the messages on demand. Throws RangeError at a record that no message holds. `done` is called after the
 * last message, with the number of records.
 */
export function* transferMessages(
  request: Message,
  { soa, records }: ZoneSnapshot,
  done: (records: number) => void,
): Generator<Message, void, undefined> {
  let batch: ResourceRecord[] = [soa]
  let octets = octetsOf(soa)
  let count = 1
  for (let next = records.next(); ; next = records.next()) {
    const record = next.done ? soa : next.value
    if (octetsOf(record) > maxRecordOctets)
      throw new RangeError(`a record of ${record.name} is too large for a zone transfer: remove it`)
    if (octets + octetsOf(record) > batchOctets || batch.length === batchRecords) {
      yield replyTo(request, { authoritative: true, answer: batch })
      batch = []
      octets = 0
    }
    batch.push(record)
    octets += octetsOf(record)
    count++
    if (next.done) break
  }
  yield replyTo(request, { authoritative: true, answer: batch })
  done(count)
}

/** An upper bound, because escapes make the text of a name longer. */
const octetsOf = ({ name, rdata }: ResourceRecord): number => name.length + fixedOctets + rdata.length
