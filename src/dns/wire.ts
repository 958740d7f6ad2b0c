/** The codec: octets to Message and back. */
export { encodeMessage } from './encode.ts'
export { ParseError, parseMessage } from './parse.ts'
