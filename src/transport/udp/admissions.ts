/** The admission of each socket that a UDP thread reads, and the zones whose names are always let in. */
import type { Libc } from '../../libc/libc.ts'
import { type Admission, createAdmission } from './admission.ts'
import { admissionFilter } from './admission-filter.ts'
import { type BorrowedSocket, listenerCell } from './protocol.ts'
import { receiveQueue } from './socket.ts'

export interface Admissions {
  /** Names in these zones are always let in by the listeners with this space; undefined: all names are. */
  setZones(space: number, zones: readonly string[] | undefined): void
  /** A batch has come from the socket. `behind`: the thread sheds what came. */
  look(socket: BorrowedSocket, behind: boolean, now: number): void
  /** Some socket lets in a part only: `lookAtClosed` is due every `admissionInterval`. */
  anyClosed(): boolean
  lookAtClosed(now: number): void
  /** The socket lets in everything, whatever another thread has left. */
  open(socket: BorrowedSocket): void
}

/** `closing` is called each time that a socket begins to let in a part only. */
export function createAdmissions(native: Libc, closing: () => void): Admissions {
  const zonesOf = new Map<number, readonly string[]>()
  /** By the number of the socket. */
  const admissions = new Map<number, Admission>()

  function admissionOf({ id, fd, cells }: BorrowedSocket): Admission {
    const known = admissions.get(id)
    if (known !== undefined) return known
    const admission = createAdmission({
      readQueue: () => receiveQueue(native, fd),
      closing,
      admit(share) {
        if (share === 1) return native.filter(fd, undefined) === 0
        // Behind a PROXY header the filter would not find the question.
        const zones = Atomics.load(cells, listenerCell.proxied) === 1 ? undefined : zonesOf.get(spaceOf(cells))
        const program = zones && admissionFilter(zones, share)
        return program !== undefined && native.filter(fd, program) === 0
      },
    })
    admissions.set(id, admission)
    return admission
  }

  const spaceOf = (cells: Int32Array) => Atomics.load(cells, listenerCell.space)

  return {
    setZones(space, zones) {
      if (zones) zonesOf.set(space, zones)
      else zonesOf.delete(space)
      for (const admission of admissions.values()) admission.open()
    },
    look: (socket, behind, now) => admissionOf(socket).look(behind, now),
    anyClosed() {
      for (const { closed } of admissions.values()) if (closed) return true
      return false
    },
    lookAtClosed(now) {
      for (const admission of admissions.values()) if (admission.closed) admission.look(false, now)
    },
    open({ id, fd }) {
      admissions.delete(id)
      native.filter(fd, undefined)
    },
  }
}
