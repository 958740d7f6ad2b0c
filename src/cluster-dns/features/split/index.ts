import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainSplit } from './explain.ts'
import { splitAnnotation } from './parse.ts'
import { validateSplit } from './split-backends.ts'

export const split: AnnotationFeature = {
  annotations: [splitAnnotation],
  validate: validateSplit,
  explain: explainSplit,
  documentation: {
    values: ['stable=95,canary=5'],
    effect: 'traffic split: SRV records by weight, A and AAAA of one backend per answer, selected by weight',
    page: 'docs/canary.md',
  },
}
