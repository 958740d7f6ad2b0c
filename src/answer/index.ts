/** The one implementation of DNS semantics for every way in. */
export { DROP, MISS, type Responder, type ResponderOptions, type TransportCode, transportCode } from './api.ts'
export { collect, collectMisses } from './counters.ts'
export { type MissReason, missLabels, missReason } from './misses.ts'
export {
  createQueryConsumer,
  createQueryRing,
  type QueryConsumer,
  type QueryRingView,
  type QueryRoute,
  queryFact,
  queryRecord,
} from './query-ring.ts'
export { createResponder, LOCAL, missText } from './responder.ts'
