/** Which extended errors a server block gives to whom (`extended_errors`). */
import { defineCapability } from '../capability.ts'
import type { ExtendedErrorPolicy } from '../extended-error.ts'

/** Absent: the default policy. */
export const extendedErrors = defineCapability<ExtendedErrorPolicy>('extended errors')
