/** Collects a request's body in a buffer that grows with it: a client may send single octets. */
export interface RequestBody {
  add(content: Uint8Array): void
  length(): number
  /** The octets received so far. */
  octets(): Buffer
}

const none = Buffer.alloc(0)

export function createRequestBody(): RequestBody {
  let memory: Buffer = none
  let used = 0
  return {
    add(content) {
      if (used + content.length > memory.length) {
        const grown = Buffer.allocUnsafe(Math.max(used + content.length, 2 * memory.length))
        grown.set(memory.subarray(0, used))
        memory = grown
      }
      memory.set(content, used)
      used += content.length
    },
    length: () => used,
    octets: () => memory.subarray(0, used),
  }
}
