/** Responses being sent: of each as many octets as flow control allows (RFC 9113 §5.2, §6.9). */
import type { HttpResponse } from '../http/service.ts'
import type { FrameWriter } from './frame-writer.ts'
import { ConnectionError, errorCode, flag, frameType, maxPayload } from './frames.ts'

/** RFC 9113 §6.9.2: the default of both directions. */
export const defaultWindow = 65_535
const largestWindow = 0x7fffffff

/** The client's window for a stream, relative to the initial window of all streams. */
export interface Outlet {
  readonly id: number
  credit: number
  response: Sending | undefined
}

interface Sending {
  readonly body: Uint8Array
  sent: number
  readonly trailers: Readonly<Record<string, string>> | undefined
}

export interface Responses {
  /** Writes the head, and as much of the body as the window allows; true when complete. Without the body if `isHead`. */
  begin(outlet: Outlet, response: HttpResponse, isHead: boolean): boolean
  /** Continues a response; true when it is complete. */
  resume(outlet: Outlet): boolean
  /** Raises the connection's window. Throws ConnectionError, as the next two do. */
  allow(octets: number): void
  allowStream(outlet: Outlet, octets: number): void
  /** Sets the initial window of streams, including those already open. */
  setInitialWindow(octets: number, open: Iterable<Outlet>): void
}

const nothing = new Uint8Array(0)

export function createResponses(writer: FrameWriter): Responses {
  let window = defaultWindow
  let initial = defaultWindow

  function resume(outlet: Outlet): boolean {
    const { id, response } = outlet
    if (response === undefined) return false
    const { body, trailers } = response
    while (response.sent < body.length) {
      const octets = Math.min(body.length - response.sent, maxPayload, initial + outlet.credit, window)
      if (octets <= 0) return false
      outlet.credit -= octets
      window -= octets
      const from = response.sent
      response.sent += octets
      const isLast = response.sent === body.length && trailers === undefined
      writer.frame(frameType.DATA, isLast ? flag.END_STREAM : 0, id, body.subarray(from, response.sent))
    }
    if (trailers) writer.head(flag.END_HEADERS | flag.END_STREAM, id, undefined, trailers)
    return true
  }

  /** RFC 9113 §6.9.1, §6.9.2. */
  function check(octets: number): number {
    if (octets > largestWindow) throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, 'the window is too large')
    return octets
  }

  return {
    begin(outlet, { status, headers, body = nothing, trailers }, isHead) {
      const isAll = isHead || (body.length === 0 && trailers === undefined)
      writer.head(flag.END_HEADERS | (isAll ? flag.END_STREAM : 0), outlet.id, status, headers, dateNow())
      if (isAll) return true
      outlet.response = { body, sent: 0, trailers }
      return resume(outlet)
    },
    resume,
    allow(octets) {
      window = check(window + octets)
    },
    allowStream(outlet, octets) {
      check(initial + outlet.credit + octets)
      outlet.credit += octets
    },
    setInitialWindow(octets, open) {
      initial = check(octets)
      for (const { credit } of open) check(initial + credit)
    },
  }
}

/** The Date header (RFC 9110 §6.6.1), formatted once a second. */
const date = { second: -1, text: '' }
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== date.second) {
    date.second = second
    date.text = new Date(second * 1000).toUTCString()
  }
  return date.text
}
