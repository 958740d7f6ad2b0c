/** Buckets and labels of query metrics (docs/coredns-behaviour.md §8), shared by the chain and the data plane. */

/** Upper bounds in seconds: 0.25 ms to 8.192 s. */
export const durationBuckets: readonly number[] = Array.from({ length: 16 }, (_, power) => 0.00025 * 2 ** power)

/** Upper bounds in octets. */
export const sizeBuckets: readonly number[] = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3,
]

/** The label of types without one, so that clients cannot create series without limit. */
export const otherType = 'other'

/** Types that have a label. */
export const labelledTypes = [
  'A',
  'AAAA',
  'CNAME',
  'DNSKEY',
  'DS',
  'MX',
  'NSEC3',
  'NSEC',
  'NS',
  'PTR',
  'RRSIG',
  'SOA',
  'SRV',
  'TXT',
  'HTTPS',
  'SVCB',
  'IXFR',
  'AXFR',
  'ANY',
] as const
