/** The control data of a reply, which makes it leave from the address that was asked. */
import { pktinfo } from '../../libc/sockaddr.ts'
import type { BorrowedSocket } from './protocol.ts'

/**
 * Turns the IP_PKTINFO of a message, `received` octets at `at`, into the control data of its reply. The interface index is
 * cleared, because it would pin the route; only link-local addresses need it. Returns the length of the control data, 0 for
 * none.
 */
export function sourceControl(
  { family, wildcard }: Pick<BorrowedSocket, 'family' | 'wildcard'>,
  bytes: Uint8Array,
  at: number,
  received: number,
): number {
  const info = pktinfo[family]
  if (!wildcard || received < info.length) return 0
  const linkLocal =
    family === 6 && bytes[at + info.destination] === 0xfe && (bytes[at + info.destination + 1] & 0xc0) === 0x80
  if (!linkLocal) for (let k = 0; k < 4; k++) bytes[at + info.interface + k] = 0
  return info.length
}
