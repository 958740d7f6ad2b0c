import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainGrpcConfig } from './explain.ts'
import { grpcConfigAnnotation } from './parse.ts'
import { validateGrpcConfig } from './validate.ts'

export const grpcConfig: AnnotationFeature = {
  annotations: [grpcConfigAnnotation],
  validate: validateGrpcConfig,
  explain: explainGrpcConfig,
  documentation: {
    values: ['JSON'],
    effect: "gRPC's service config, validated, where gRPC clients look",
    page: 'docs/grpc.md',
  },
}
