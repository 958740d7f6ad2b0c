/** Rdata from parts and text, and back. */
export { rdataText, recordText } from './text.ts'
export { rdata, readName, readSoa } from './values.ts'
