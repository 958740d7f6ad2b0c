/** Whole replies that a plugin keeps and lets the data plane repeat (`cache`). */
import type { CachedEntry } from '../../table/api.ts'
import { defineCapability } from '../capability.ts'

export interface ReplySource {
  /** Called once for each space of the answer table in which its replies may be repeated. */
  attach(sink: ReplySink): { detach(): void }
}

export interface ReplySink {
  /** Publishes the entry where every plugin before the source lets its name and type pass; else does nothing. */
  put(entry: CachedEntry): void
  remove(name: string, type: number, dnssecOk: boolean, checkingDisabled: boolean): void
}

export const replySource = defineCapability<ReplySource>('reply source')
