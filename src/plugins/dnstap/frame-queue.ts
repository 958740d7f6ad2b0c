/** Data frames that wait for a sink, gathered in blocks that are written whole. Bounded in messages and octets. */

export interface FrameQueue {
  /** Appends a copy of the message, preceded by its length. False where there is no room. */
  push(message: Uint8Array): boolean
  /** Removes the oldest block; undefined when the queue is empty. */
  take(): Block | undefined
  /** The block has been written: its memory can be reused. */
  recycle(block: Block): void
  /** Whether there is a block to which no message will be added. */
  full(): boolean
  messages(): number
}

export interface Block {
  readonly octets: Uint8Array
  readonly messages: number
  readonly memory: Buffer
}

interface OpenBlock {
  readonly memory: Buffer
  used: number
  messages: number
}

/** Octets of a block: a write of this size costs as little for each octet as a larger one. */
const blockOctets = 64 * 1024

export function createFrameQueue(most: { readonly messages: number; readonly octets: number }): FrameQueue {
  /** The last one is being filled. */
  const blocks: OpenBlock[] = []
  let messages = 0
  let octets = 0
  let spare: Buffer | undefined

  function allocate(length: number): Buffer {
    const memory = length <= blockOctets ? spare : undefined
    if (memory !== undefined) spare = undefined
    return memory ?? Buffer.allocUnsafeSlow(Math.max(blockOctets, length))
  }

  function blockFor(length: number): OpenBlock {
    const last = blocks.at(-1)
    if (last !== undefined && last.used + length <= last.memory.length) return last
    // Memory is allocated and counted by blocks.
    const block = { memory: allocate(length), used: 0, messages: 0 }
    octets += block.memory.length
    blocks.push(block)
    return block
  }

  const fits = (length: number): boolean => {
    const last = blocks.at(-1)
    const free = last === undefined ? 0 : last.memory.length - last.used
    return free >= length || octets + Math.max(blockOctets, length) <= most.octets
  }

  return {
    push(message) {
      const length = 4 + message.length
      if (messages >= most.messages || !fits(length)) return false
      const block = blockFor(length)
      block.memory.writeUInt32BE(message.length, block.used)
      block.memory.set(message, block.used + 4)
      block.used += length
      block.messages++
      messages++
      return true
    },
    take() {
      const block = blocks.shift()
      if (block === undefined) return undefined
      messages -= block.messages
      octets -= block.memory.length
      const { memory } = block
      return { octets: memory.subarray(0, block.used), messages: block.messages, memory }
    },
    recycle({ memory }) {
      if (memory.length === blockOctets) spare = memory
    },
    full: () => blocks.length > 1,
    messages: () => messages,
  }
}
