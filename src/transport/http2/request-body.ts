/** The body of a request as it comes, in memory that grows with it: a client may send it in as many pieces as it has octets. */
export interface RequestBody {
  add(content: Uint8Array): void
  length(): number
  /** All of it so far. */
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
