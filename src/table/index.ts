/** The answer table: one writer, many readers in other threads. FORMAT.md says what its bytes are. */
export { TableFull } from './allocator.ts'
export type { AnswerProfile, CachedEntry, Inspected, TableHandle, TableStats, TableWriter } from './api.ts'
export { createTable, monotonicMilliseconds, type TableOptions } from './writer.ts'
