/** What requests get in place of their answer, and the requests themselves. */

export interface ApiRequest {
  /** list: a page; stream: a watch that begins with the list; watch: one that goes on from a version. */
  readonly verb: 'list' | 'stream' | 'watch' | 'other'
  /** Plural of the resource. */
  readonly resource: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly protocol: 'h2' | 'http/1.1'
}

export interface Fault {
  readonly on: ApiRequest['verb'] | 'any'
  /** Default: all. */
  readonly resource?: string
  /** Default: whatever the request. */
  readonly when?: (request: ApiRequest) => boolean
  /** How many requests it meets. Default 1. */
  readonly times?: number
  readonly respond: FaultResponse
}

export type FaultResponse =
  | {
      readonly status: number
      readonly reason?: string
      readonly message?: string
      readonly causes?: readonly string[]
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly forbidden: true }
  /** The connection is reset without a response. */
  | { readonly drop: true }
  /** No response, ever. */
  | { readonly stall: true }
  /** A response of these octets, which then ends unless `open`. */
  | { readonly octets: Buffer; readonly contentType: string; readonly open?: boolean }

export interface Faults {
  add(fault: Fault): { remove(): void }
  /** Notes the request and gives what it gets in place of its answer. */
  meet(request: ApiRequest): FaultResponse | undefined
  readonly requests: readonly ApiRequest[]
}

export function createFaults(): Faults {
  const requests: ApiRequest[] = []
  const active = new Set<{ readonly fault: Fault; left: number }>()
  return {
    requests,
    add(fault) {
      const entry = { fault, left: fault.times ?? 1 }
      active.add(entry)
      return { remove: () => void active.delete(entry) }
    },
    meet(request) {
      requests.push(request)
      for (const entry of active) {
        const { on, resource, when } = entry.fault
        if (on !== 'any' && on !== request.verb) continue
        if (resource !== undefined && resource !== request.resource) continue
        if (when !== undefined && !when(request)) continue
        if (--entry.left <= 0) active.delete(entry)
        return entry.fault.respond
      }
      return undefined
    },
  }
}
