/** The schema of `https` and `grpc_server`, which have the same options. */
import { argCount, integer, option, readBody } from '../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../corefile/schema.ts'
import type { HttpBounds } from './capabilities/http-bounds.ts'

/** `maxStreams`: the largest `max_streams`, where there is one. */
export function httpBoundsSchema(word: string, maxStreams?: number): DirectiveSchema<HttpBounds> {
  return {
    usage: `${word} { max_connections NUMBER; max_streams NUMBER }`,
    repeat: 'many',
    // CoreDNS reads the first occurrence in a block and ignores the others.
    read: ({ occurrences: [directive] }) => readBounds(directive, maxStreams),
  }
}

function readBounds(directive: Directive, maxStreams: number | undefined): HttpBounds {
  argCount(directive, 0, 0)
  const options = readBody(directive, {
    max_connections: option(integer({ min: 0 }), { repeat: 'once' }),
    max_streams: option(integer(maxStreams === undefined ? { min: 0 } : { min: 0, max: maxStreams }), {
      repeat: 'once',
    }),
  })
  return { maxConnections: options.max_connections, maxStreams: options.max_streams }
}
