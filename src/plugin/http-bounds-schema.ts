/** The schema of `https` and `grpc_server`, which have the same options. */
import { argCount, integer, option, readBody } from '../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../corefile/schema.ts'
import type { HttpBounds } from './capabilities/http-bounds.ts'

/** `mostStreams`: the largest `max_streams`, where there is one. */
export function httpBoundsSchema(word: string, mostStreams?: number): DirectiveSchema<HttpBounds> {
  return {
    usage: `${word} { max_connections NUMBER; max_streams NUMBER }`,
    repeat: 'many',
    // CoreDNS reads the first occurrence in a block and ignores the others.
    read: ({ occurrences: [directive] }) => readBounds(directive, mostStreams),
  }
}

function readBounds(directive: Directive, mostStreams: number | undefined): HttpBounds {
  argCount(directive, 0, 0)
  const options = readBody(directive, {
    max_connections: option(integer({ min: 0 }), { repeat: 'once' }),
    max_streams: option(integer(mostStreams === undefined ? { min: 0 } : { min: 0, max: mostStreams }), {
      repeat: 'once',
    }),
  })
  return { maxConnections: options.max_connections, maxStreams: options.max_streams }
}
