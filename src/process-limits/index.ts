/**
 * Process-wide resources, read once at the start and divided: file descriptors (RLIMIT_NOFILE) and memory (the cgroup's limit or
 * `-memory-limit`). All limits for network input derive from them. See docs/limits.md.
 */
import { readFileSync } from 'node:fs'
import { cgroupMemoryLimit, type ReadText } from './cgroup.ts'
import { type DescriptorLimits, divideDescriptors, readDescriptorLimit } from './descriptors.ts'
import { divideMemory, type MemoryLimits } from './memory.ts'

export type { DescriptorLimits } from './descriptors.ts'
export { type MemoryLimits, parseMemoryLimit } from './memory.ts'

export interface ProcessLimits {
  readonly descriptors: DescriptorLimits
  readonly memory: MemoryLimits
  /** Maximum TCP connections of DNS clients, limited by both descriptors and memory. */
  readonly tcpConnections: number
  /** Maximum concurrent queries to upstreams. */
  readonly upstreamExchanges: number
}

export interface ReadLimitsOptions {
  /** Octets, from `-memory-limit`. Takes precedence over the cgroup's limit, for processes that share a cgroup. */
  readonly memoryLimit?: number | undefined
  readonly read?: ReadText
}

export function readProcessLimits({ memoryLimit, read = readText }: ReadLimitsOptions = {}): ProcessLimits {
  const descriptors = divideDescriptors(readDescriptorLimit(read))
  const ofCgroup = memoryLimit === undefined ? cgroupMemoryLimit(read) : undefined
  const source = memoryLimit !== undefined ? '-memory-limit' : ofCgroup !== undefined ? 'cgroup' : 'default'
  const memory = divideMemory(memoryLimit ?? ofCgroup, source)
  return {
    descriptors,
    memory,
    tcpConnections: Math.min(descriptors.tcpClients, memory.tcpConnections),
    upstreamExchanges: Math.min(descriptors.upstreamExchanges, memory.upstreamExchanges),
  }
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
