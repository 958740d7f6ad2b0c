/** Reads the body of a response piece by piece, and gives up one that has fallen silent. */
import type { Readable } from 'node:stream'
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { MalformedObject } from '../decode/draft.ts'
import { jsonList, jsonObject, jsonWatch } from '../decode/json-stream.ts'
import { unwrap } from '../decode/protobuf-envelope.ts'
import { protobufList, protobufObject, protobufWatch } from '../decode/protobuf-stream.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { ApiStatus, BodyReader, ListReader, WatchEvent } from '../decode/wire.ts'
import { ApiFailure, describeFailure } from './failure.ts'
import type { ApiResponse } from './session.ts'

/** Both encodings, because a custom resource answers 406 to protobuf alone. */
export const acceptWatch =
  'application/vnd.kubernetes.protobuf;stream=watch, application/json;stream=watch, application/json'
export const acceptList = 'application/vnd.kubernetes.protobuf, application/json'
/** Requests metadata only. A server without support for that sends whole objects. */
export const acceptMetadata = ['application/vnd.kubernetes.protobuf', 'application/json']
  .map((type) => `${type};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`)
  .concat('application/json')
  .join(', ')

export interface BodyLimits {
  /** Milliseconds without an octet after which the body is given up. Called repeatedly, because it changes. */
  readonly silence: () => number
  /** Milliseconds for the whole body. */
  readonly total: number
}

export interface BodyDeps {
  readonly clock: Clock
  readonly scheduler: CooperativeScheduler
  /** The server's name in messages. */
  readonly name: string
  /** Called for each chunk. */
  readonly alive: () => void
}

/** Octets of an error response that are read for its message. */
const largestStatus = 64 * 1024

export function watchReader(response: ApiResponse, reducer: Reducer): BodyReader<WatchEvent> {
  return isProtobuf(response) ? protobufWatch(reducer) : jsonWatch(reducer)
}

export function listReader(response: ApiResponse, reducer: Reducer): ListReader {
  return isProtobuf(response) ? protobufList(reducer) : jsonList(reducer)
}

/**
 * Passes every item to `take`, in slices, until the body ends. An exception of `take` ends it. Rejects with ApiFailure
 * 'broken', 'silent' or 'malformed' when the body does not end properly.
 */
export async function readItems<Item>(
  response: ApiResponse,
  reader: BodyReader<Item>,
  take: (item: Item) => void | Promise<void>,
  limits: BodyLimits,
  { clock, scheduler, name, alive }: BodyDeps,
): Promise<void> {
  const { body } = response
  const watchdog = guard(body, limits, clock, name)
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      watchdog.seen()
      alive()
      scheduler.begin()
      reader.push(chunk)
      for (let item = reader.next(); item !== undefined; item = reader.next()) {
        const more = take(item)
        if (more !== undefined) await more
        if (scheduler.due) await scheduler.rest()
      }
    }
  } catch (error) {
    if (error instanceof MalformedObject) throw new ApiFailure('malformed', `${name}: ${error.message}`)
    const failure = describeFailure(error, name)
    // The body had begun, so the server was reachable.
    throw failure.reason === 'connect' ? new ApiFailure('broken', failure.message) : failure
  } finally {
    watchdog.stop()
    body.destroy()
  }
}

/** The Status object of an error response, or its text without one. */
export async function readStatus(response: ApiResponse, reducer: Reducer): Promise<ApiStatus> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > largestStatus) break
    }
  } catch {
    // The status line is enough.
  }
  const bytes = Buffer.concat(chunks)
  const { status: code } = response
  try {
    const span = { bytes, start: 0, end: bytes.length }
    if (isProtobuf(response)) unwrap(span, reducer)
    const object = isProtobuf(response)
      ? protobufObject(span, reducer)
      : jsonObject(JSON.parse(bytes.toString('utf8')), reducer)
    return { ...object.status(), code }
  } catch {
    const message = bytes.toString('utf8').trim().split('\n')[0].slice(0, 200)
    return { code, reason: '', message, causes: [], retryAfterSeconds: 0 }
  }
}

function isProtobuf({ contentType }: ApiResponse): boolean {
  return contentType.startsWith('application/vnd.kubernetes.protobuf')
}

function guard(body: Readable, limits: BodyLimits, clock: Clock, name: string): { seen(): void; stop(): void } {
  const startedAt = clock.now()
  let seenAt = startedAt
  const timer = clock.every(1000, () => {
    const silent = clock.now() - seenAt
    if (silent > limits.silence()) {
      body.destroy(new ApiFailure('silent', `${name}: nothing came for ${Math.round(silent / 1000)} s`))
    } else if (clock.now() - startedAt > limits.total) {
      body.destroy(new ApiFailure('silent', `${name}: the response did not end when it should have`))
    }
  })
  return {
    seen() {
      seenAt = clock.now()
    },
    stop: () => timer.cancel(),
  }
}
