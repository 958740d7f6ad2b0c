/** `slicedns.io/srv-priority` and `slicedns.io/srv-weight` (RFC 2782: 16 bits each). */
import { type AnnotatedKind, type NamedAnnotation, parseWholeNumber } from '../../annotations/annotation.ts'

const maxU16 = 65_535
const on: readonly AnnotatedKind[] = ['Service', 'EndpointSlice']
const parse = (text: string) => parseWholeNumber(text, maxU16)

export const priorityAnnotation: NamedAnnotation<number> = { key: 'srv-priority', on, parse }
export const weightAnnotation: NamedAnnotation<number> = { key: 'srv-weight', on, parse }
