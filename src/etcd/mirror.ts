/**
 * Keeps a copy of the keys of a range: lists them, then follows the watch. After any failure it lists again rather than
 * resume: etcd may have been restored from an old copy meanwhile, and then its revisions say nothing.
 */
import { type Clock, systemClock } from '../scheduling/clock.ts'
import { pause } from '../scheduling/pause.ts'
import type { EtcdClient } from './client.ts'
import type { KeyRange, KeyValue, WatchEvent } from './messages.ts'

export interface MirrorTarget {
  /** A list begins; what it finds takes the place of the copy when it is done. */
  list(): Listing
  /** Throws where the copy would be too large. */
  apply(event: WatchEvent): void
  /** A list or watch has failed; the copy stays. It is tried again. */
  failed(error: Error): void
  /** The watch stands: from here on the copy is what etcd has. */
  live(): void
}

export interface Listing {
  /** Throws where there are too many keys: the copy stays as it is then. */
  add(keyValue: KeyValue): void
  done(): void
}

export interface MirrorOptions {
  readonly client: EtcdClient
  readonly range: KeyRange
  readonly target: MirrorTarget
  readonly clock?: Clock
  /** Numbers in [0, 1), for the pauses. */
  readonly random?: () => number
}

const pageSize = 1000
/** The first and the longest pause after failures, in milliseconds; doubled each time, shortened at random. */
const firstPause = 100
const longestPause = 5_000
/** A watch that has lasted so long begins with the first pause again. Milliseconds. */
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
