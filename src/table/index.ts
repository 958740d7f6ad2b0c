/** The answer table: one writer, many readers in other threads. FORMAT.md says what its bytes are. */
export { TableFull } from './allocator.ts'
export { createTable } from './writer.ts'
