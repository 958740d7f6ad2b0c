/** The answer table: one writer, many readers in other threads. FORMAT.md defines its octets. */
export { TableFull } from './allocator.ts'
export { createTable } from './writer.ts'
