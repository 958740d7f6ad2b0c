import type { AnnotationFeature } from '../../annotations/feature.ts'
import { explainAlias } from './explain.ts'
import { aliasAnnotation } from './parse.ts'
import { validateAliases } from './validate.ts'

export const alias: AnnotationFeature = {
  annotations: [aliasAnnotation],
  validate: validateAliases,
  explainAlias,
  documentation: {
    values: ['NAME, …'],
    effect: 'other names for the Service, in the zones that the Corefile opens (`alias_zones`)',
  },
}
