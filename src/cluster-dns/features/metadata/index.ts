import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainMetadata } from './explain.ts'
import { metadataAnnotation } from './parse.ts'
import { validateMetadata } from './validate.ts'

export const metadata: AnnotationFeature = {
  annotations: [metadataAnnotation],
  validate: validateMetadata,
  explain: explainMetadata,
  documentation: {
    values: ['VALUE'],
    effect: 'metadata in a TXT record, such as `model=llama-70b`',
  },
}
