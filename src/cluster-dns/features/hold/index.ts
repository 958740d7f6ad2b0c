import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainHold } from './explain.ts'
import { holdAnnotation } from './parse.ts'
import { validateHold } from './validate.ts'

export const hold: AnnotationFeature = {
  annotations: [holdAnnotation],
  validate: validateHold,
  explain: explainHold,
  documentation: {
    values: ['2s'],
    effect: "a query for a StatefulSet's pod without an address waits for it, 3s at most",
    page: 'docs/rendezvous.md',
  },
}
