/** Texts of thrown values, which in JavaScript may be anything. */
import { getSystemErrorMap } from 'node:util'

/** The message, for use in sentences. Failed system calls read as in CoreDNS's log: `open /x: no such file or directory`. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return systemErrorText(error) ?? error.message
}

/** The same with the stack, for reports of bugs. */
export const errorStack = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

interface SystemError extends NodeJS.ErrnoException {
  /** The target path, for `rename` and `copyfile`. */
  readonly dest?: string
  /** An IP address, or the path of a Unix socket. */
  readonly address?: string
  readonly port?: number
}

/** Undefined unless a system call has failed that names a file or address. */
function systemErrorText(error: SystemError): string | undefined {
  const { errno, syscall, path, dest, address, port } = error
  const reason = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  const subject = path ?? (address === undefined || port === undefined ? address : endpoint(address, port))
  if (reason === undefined || syscall === undefined || subject === undefined) return undefined
  // If a process cannot be started, Node.js includes the file in the call: 'spawn FILE'.
  const call = syscall.includes(subject) ? syscall : `${syscall} ${subject}`
  return `${call}${dest === undefined ? '' : ` -> ${dest}`}: ${reason}`
}

const endpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
