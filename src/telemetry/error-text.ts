/** Texts of what was thrown, which in JavaScript may be anything. */

/** What it says, for sentences. */
export const errorMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The same with the stack, for reports of faults of our own. */
export const errorStack = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
