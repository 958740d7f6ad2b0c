/** The one implementation of DNS semantics for every transport. */
export { collectMisses } from './counters.ts'
export {
  createQueryConsumer,
  createQueryRing,
  type QueryRingView,
  type QueryRoute,
  queryFact,
  queryRecord,
} from './query-ring.ts'
export { createResponder, LOCAL, missText } from './responder.ts'
