/** Exit codes of the lookup commands, with which scripts distinguish missing names from failures. */
import type { Answer } from './answer.ts'

export const exitCode = {
  /** The question has records. */
  found: 0,
  /** No reply, or no server to ask. */
  noReply: 1,
  /** The command line is invalid. */
  usage: 2,
  nameMissing: 3,
  /** The name exists without such a record (NODATA). */
  noRecord: 4,
  /** SERVFAIL, REFUSED and the like. */
  refused: 5,
} as const

export function exitCodeOf({ rcode, answer }: Answer): number {
  if (rcode === 'NXDOMAIN') return exitCode.nameMissing
  if (rcode !== 'NOERROR') return exitCode.refused
  return answer.length > 0 ? exitCode.found : exitCode.noRecord
}
