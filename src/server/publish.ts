/**
 * Which names of a server block are compiled: it stands between the plugins that compute answers ahead of queries
 * (CompiledSource, ReplySource) and the answer table, and passes on only what the chain would answer equally.
 */

import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { type ReplySink, replySource } from '../plugin/capabilities/reply-source.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { TableWriter } from '../table/api.ts'
import { createGate, type Gate, type PublishedBlock } from './gate.ts'
import { type SourceOrder, type SourceSink, tableSink } from './table-sink.ts'

/** Attaches every source of the block to a space of the table. */
export function publishBlock(
  block: PublishedBlock,
  space: number,
  writer: TableWriter,
): { detach(): void; readonly settled: Promise<void> } {
  const attached: { detach(): void }[] = []
  const sources = block.plugins.flatMap(({ plugin, instance }, position) => {
    const source = capabilityOf(instance, compiledSource)
    return source ? [{ plugin, source, position }] : []
  })
  const sinks: SourceSink[] = []
  let detached = false

  function attach(at: number): Promise<void> {
    const { source, position } = sources[at]
    const names = sources.map(({ plugin }) => plugin)
    const order: SourceOrder = {
      before: new Set(names.slice(0, at)),
      after: new Set(names.slice(at + 1)),
      later: () => sinks.slice(at + 1),
    }
    const sink = tableSink(createGate(block, position, space, writer), order)
    sinks.push(sink)
    const attachment = source.attach(sink)
    attached.push(attachment)
    return attachment.settled
  }

  /** A source must not deny or answer what an earlier one has not yet published, so it is attached after that one is done. */
  async function attachRest(before: Promise<void>): Promise<void> {
    await before
    for (let at = 1; at < sources.length && !detached; at++) await attach(at)
  }

  for (const [position, { instance }] of block.plugins.entries()) {
    const replies = capabilityOf(instance, replySource)
    if (replies) attached.push(replies.attach(replySink(createGate(block, position, space, writer))))
  }
  const settled = sources.length > 0 ? attach(0) : Promise.resolve()
  return {
    detach() {
      detached = true
      for (const attachment of attached) attachment.detach()
    },
    settled: sources.length > 1 ? attachRest(settled) : settled,
  }
}

function replySink(gate: Gate): ReplySink {
  return {
    put(entry) {
      const name = entry.name.toLowerCase()
      if (!gate.block.owns(name)) return
      if (gate.claims(name).some(({ types }) => types?.has(entry.type) ?? true)) return
      gate.writer.putCached(gate.space, gate.profileFor(name), entry)
    },
    remove(name, type, dnssecOk, checkingDisabled) {
      gate.writer.removeCached(gate.space, name, type, dnssecOk, checkingDisabled)
    },
  }
}
