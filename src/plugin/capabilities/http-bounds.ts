/** Bounds of the block's listeners that speak HTTP (`https`, `grpc_server`). */
import { defineCapability } from '../capability.ts'

export interface HttpBounds {
  /** Connections of one listener; undefined or 0: as many as the process can have. */
  readonly maxConnections: number | undefined
  /** Streams of one HTTP/2 connection at a time; undefined or 0: the default. */
  readonly maxStreams: number | undefined
}

export const httpsBounds = defineCapability<HttpBounds>('bounds of HTTPS')
export const grpcBounds = defineCapability<HttpBounds>('bounds of gRPC')
