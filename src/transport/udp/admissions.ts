/** The admission of each socket that a UDP thread reads, and the zones whose names are always admitted. */
import type { Libc } from '../../libc/libc.ts'
import { type Admission, createAdmission } from './admission.ts'
import { admissionFilter } from './admission-filter.ts'
import { type BorrowedSocket, listenerCell } from './protocol.ts'
import { receiveQueue } from './socket.ts'

export interface Admissions {
  /** The zones whose names the listeners of this space always admit; undefined: all names are admitted. */
  setZones(space: number, zones: readonly string[] | undefined): void
  /** A batch has been read from the socket. `behind`: the thread sheds. */
  look(socket: BorrowedSocket, behind: boolean, now: number): void
  /** Whether any socket admits only a share: `lookAtClosed` is then due every `admissionInterval`. */
  anyClosed(): boolean
  lookAtClosed(now: number): void
  /** Makes the socket admit everything, whatever a previous thread has left. */
  open(socket: BorrowedSocket): void
}

/** `closing` is called each time that a socket begins to admit only a share. */
export function createAdmissions(native: Libc, closing: () => void): Admissions {
  const zonesOf = new Map<number, readonly string[]>()
  /** By the socket's number. */
  const admissions = new Map<number, Admission>()

  function admissionOf({ id, fd, cells }: BorrowedSocket): Admission {
    const known = admissions.get(id)
    if (known !== undefined) return known
    const admission = createAdmission({
      readQueue: () => receiveQueue(native, fd),
      closing,
      admit(share) {
        if (share === 1) return native.filter(fd, undefined) === 0
        // Behind a PROXY header the filter cannot find the question.
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
