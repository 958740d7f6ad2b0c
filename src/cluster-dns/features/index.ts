/** Every feature that objects ask for by annotation, in the order of the README's table. */
import type { AnnotationFeature } from '../annotations/feature.ts'
import type { KnownAnnotations } from '../annotations/reader.ts'
import { alias } from './alias/index.ts'
import { endpoints } from './endpoints/index.ts'
import { grpcConfig } from './grpc-config/index.ts'
import { hold } from './hold/index.ts'
import { metadata } from './metadata/index.ts'
import { split } from './split/index.ts'
import { srv } from './srv/index.ts'
import { ttl } from './ttl/index.ts'

/** `metadata` follows `grpcConfig`: it has what that leaves of a message. */
export const features: readonly AnnotationFeature[] = [split, ttl, srv, hold, endpoints, grpcConfig, metadata, alias]

export const knownAnnotations: KnownAnnotations = features.flatMap(({ annotations }) => annotations)
