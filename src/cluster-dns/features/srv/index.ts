import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainRanks } from './explain.ts'
import { priorityAnnotation, weightAnnotation } from './parse.ts'

export const srv: AnnotationFeature = {
  annotations: [priorityAnnotation, weightAnnotation],
  explain: explainRanks,
  documentation: {
    values: ['0', '100'],
    effect: 'priority and weight of the SRV records of a Service or of one EndpointSlice, 0 to 65535',
  },
}
