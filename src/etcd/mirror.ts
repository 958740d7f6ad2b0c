/**
 * Keeps a copy of the keys of a range: lists them, then watches. After any failure it lists again instead of resuming: etcd may
 * have been restored from a backup meanwhile, which makes its revisions meaningless.
 */
import { type Clock, systemClock } from '../scheduling/clock.ts'
import { pause } from '../scheduling/pause.ts'
import type { EtcdClient } from './client.ts'
import type { KeyRange, KeyValue, WatchEvent } from './messages.ts'

export interface MirrorTarget {
  /** A list begins; its result replaces the copy when it is complete. */
  list(): Listing
  /** Throws if the copy would be too large. */
  apply(event: WatchEvent): void
  /** A list or watch has failed and will be retried; the copy stays. */
  failed(error: Error): void
  /** The watch is established: from now on the copy is current. */
  live(): void
}

export interface Listing {
  /** Throws if there are too many keys: the copy then stays as it is. */
  add(keyValue: KeyValue): void
  done(): void
}

export interface MirrorOptions {
  readonly client: EtcdClient
  readonly range: KeyRange
  readonly target: MirrorTarget
  readonly clock?: Clock
  /** Numbers in [0, 1), to randomise the pauses. */
  readonly random?: () => number
}

const pageSize = 1000
/** The first and the longest pause after failures, in milliseconds; doubled each time, shortened at random. */
const firstPause = 100
const longestPause = 5_000
/** Milliseconds after which a failing watch starts with the first pause again. */
const steadyAfter = 30_000

export function startMirror({ client, range, target, clock = systemClock, random = Math.random }: MirrorOptions): {
  stop(): void
} {
  const stopping = new AbortController()
  const { signal } = stopping

  async function list(): Promise<number> {
    const listing = target.list()
    let revision = 0
    for (let { from } = range; ; ) {
      const page = await client.range({ from, to: range.to }, pageSize, revision, signal)
      revision ||= page.revision
      for (const keyValue of page.keyValues) listing.add(keyValue)
      const last = page.keyValues.at(-1)
      // By octets, as etcd orders them. Else the list would never end.
      if (last && Buffer.compare(Buffer.from(last.key), Buffer.from(from)) < 0)
        throw new Error(`${client.endpoint}: a page of the list ends before the key that it was asked to begin with`)
      if (!page.more || !last) break
      from = `${last.key}\0`
    }
    listing.done()
    return revision
  }

  async function follow(): Promise<void> {
    const revision = await list()
    let standing = false
    await client.watch(range, revision + 1, signal, (events) => {
      for (const event of events) target.apply(event)
      if (!standing) target.live()
      standing = true
    })
  }

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      const began = clock.now()
      try {
        await follow()
      } catch (error) {
        if (signal.aborted) return
        target.failed(error instanceof Error ? error : new Error(String(error)))
      }
      client.leave()
      if (clock.now() - began > steadyAfter) failures = 0
      const longest = Math.min(longestPause, firstPause * 2 ** failures)
      await pause(clock, longest * (1 - random() / 2), signal)
    }
  }

  void run()
  return { stop: () => stopping.abort() }
}
