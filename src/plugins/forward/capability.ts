/** What plugins in front of `forward` declare about what they keep. */
import { defineCapability } from '../../plugin/capability.ts'

/** Whether failures to answer this name (lower case, absolute) are kept already, or meant not to be (`servfail 0`). */
export const failuresAreKept = defineCapability<(name: string) => boolean>('failures are kept')
