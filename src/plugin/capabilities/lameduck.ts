import { defineCapability } from '../capability.ts'

/** Milliseconds that the server still answers after a shutdown has begun (`health { lameduck }`). */
export const lameduck = defineCapability<number>('lameduck')
