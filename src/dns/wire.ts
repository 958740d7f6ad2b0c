/** The codec: octets to Message and back. */
export { type EncodeOptions, encodeMessage } from './encode.ts'
export { headerOctets, ParseError, parseMessage, type Stage } from './parse.ts'
