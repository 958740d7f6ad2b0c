import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainSplit } from './explain.ts'
import { splitAnnotation } from './parse.ts'
import { validateSplit } from './validate.ts'

export const split: AnnotationFeature = {
  annotations: [splitAnnotation],
  validate: validateSplit,
  explain: explainSplit,
  documentation: {
    values: ['stable=95,canary=5'],
    effect: "the Service's name is a traffic split: SRV by weight, A and AAAA of one backend per answer",
    page: 'docs/canary.md',
  },
}
