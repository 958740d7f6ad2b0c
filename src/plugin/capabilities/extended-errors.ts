/** Which clients of a server block get extended errors (`extended_errors`). */
import { defineCapability } from '../capability.ts'
import type { ExtendedErrorPolicy } from '../extended-error.ts'

/** Absent: the default policy. */
export const extendedErrors = defineCapability<ExtendedErrorPolicy>('extended errors')
