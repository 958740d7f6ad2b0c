/** What a plugin shows to people: lines of `slicedns explain`, and example questions. */
import { defineCapability } from '../capability.ts'
import type { Query } from '../query.ts'

/** Lines for `slicedns explain`: what the plugin does with the query, and why. */
export const explainLines = defineCapability<(query: Query) => readonly string[]>('explain')

/** Questions worth trying (`NAME TYPE`), for the first lines that the server prints. */
export const exampleQuestions = defineCapability<() => readonly string[]>('example questions')
