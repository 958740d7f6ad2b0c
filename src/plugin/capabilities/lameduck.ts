import { defineCapability } from '../capability.ts'

/** Milliseconds that shutdown goes on answering (`health { lameduck }`). */
export const lameduck = defineCapability<number>('lameduck')
