import type { AnnotationFeature } from '../../annotations/feature.ts'
import { ttlAnnotation } from './parse.ts'

/** `explain` names the annotation as the TTL's source (ttl.ts). */
export const ttl: AnnotationFeature = {
  annotations: [ttlAnnotation],
  documentation: {
    values: ['2'],
    effect: 'TTL in seconds, 0 to 3600, of a Service or of a whole Namespace',
  },
}
