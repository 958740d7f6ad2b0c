import { grpcBounds, type HttpBounds } from '../../plugin/capabilities/http-bounds.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { httpBoundsSchema } from '../../plugin/http-bounds-schema.ts'

/** Bounds of the block's `grpc://` listeners. The transport keeps them. */
export const grpcServer: Plugin<HttpBounds> = {
  name: 'grpc_server',
  schema: httpBoundsSchema('grpc_server'),
  setup: (bounds) => ({ provides: [provide(grpcBounds, bounds)] }),
}
