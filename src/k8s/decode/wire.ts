/** What the API server sends, whatever the encoding. */

import type { EndpointSlice, Reduced, Resource } from '../model/types.ts'
import type { MetaDraft } from './draft.ts'

/** An object that has not been decoded yet. Valid until its reader is asked for the next. */
export interface WireObject {
  /** Throws MalformedObject. */
  meta(): MetaDraft
  /** The reduced form; undefined when DNS has no use for the object. Throws MalformedObject. */
  reduce(resource: Resource, meta: MetaDraft, previous: EndpointSlice | undefined): Reduced | undefined
  /** The object of an ERROR event. Throws MalformedObject. */
  status(): ApiStatus
}

/** metav1.Status: why a request failed. */
export interface ApiStatus {
  readonly code: number
  readonly reason: string
  readonly message: string
  /** Reasons of its causes: `ResourceVersionTooLarge`. */
  readonly causes: readonly string[]
  /** 0 when it says none. */
  readonly retryAfterSeconds: number
}

export interface WatchEvent {
  /** ADDED, MODIFIED, DELETED, BOOKMARK, ERROR; others may come. */
  readonly type: string
  readonly object: WireObject
}

/** Splits a body as it arrives. Throws MalformedObject when it cannot continue: the rest of the body is lost. */
export interface BodyReader<Item> {
  push(chunk: Buffer): void
  /** The next item; undefined when more octets are needed. */
  next(): Item | undefined
}

export interface ListReader extends BodyReader<WireObject> {
  /** Facts about the list itself; call at the end of the body. Throws MalformedObject when it was truncated. */
  finish(): ListFacts
}

export interface ListFacts {
  readonly resourceVersion: string
  /** The token for the next page; '' on the last. */
  readonly continueToken: string
}

/** Octets of one event or list item; a larger one is rejected. etcd's own limit for an object is 1.5 MiB. */
export const largestObject = 16 * 1024 * 1024
