import { type HttpBounds, httpsBounds } from '../../plugin/capabilities/http-bounds.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { httpBoundsSchema } from '../../plugin/http-bounds-schema.ts'

/** Streams are numbered with 31 bits (RFC 9113 §5.1.1); CoreDNS takes 32. */
const maxStreams = 4_294_967_295

/** Bounds of the block's `https://` listeners. The transport keeps them. */
export const https: Plugin<HttpBounds> = {
  name: 'https',
  schema: httpBoundsSchema('https', maxStreams),
  setup: (bounds) => ({ provides: [provide(httpsBounds, bounds)] }),
}
