/** `slicedns.io/endpoints`: `true` lists the ready endpoints of a service that has a ClusterIP. */
import { type NamedAnnotation, parsed, problem } from '../../annotations/annotation.ts'

export const endpointsAnnotation: NamedAnnotation<boolean> = {
  key: 'endpoints',
  on: ['Service'],
  parse(text) {
    const word = text.trim()
    return word === 'true' || word === 'false' ? parsed(word === 'true') : problem('syntax', 'must be true or false')
  },
}
