/** `slicedns.io/ttl`: seconds. */
import { type NamedAnnotation, parseWholeNumber } from '../../annotations/annotation.ts'

/** Seconds: an hour, as for CoreDNS's own option (docs/coredns-behaviour.md §4.1). */
const maxTtl = 3600

export const ttlAnnotation: NamedAnnotation<number> = {
  key: 'ttl',
  on: ['Service', 'Namespace'],
  parse: (text) => parseWholeNumber(text, maxTtl, ' of seconds'),
}
