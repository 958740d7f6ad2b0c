import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainEndpoints } from './explain.ts'
import { endpointsAnnotation } from './parse.ts'
import { validateEndpoints } from './validate.ts'

export const endpoints: AnnotationFeature = {
  annotations: [endpointsAnnotation],
  validate: validateEndpoints,
  explain: explainEndpoints,
  documentation: {
    values: ['"true"'],
    effect: 'every ready pod behind a ClusterIP, at `_endpoints.NAME`',
  },
}
