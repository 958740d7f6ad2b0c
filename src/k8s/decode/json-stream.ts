/** Splits watch and list bodies in JSON as they arrive: at most one object is parsed at a time. */
import { createByteQueue } from './byte-queue.ts'
import { MalformedObject } from './draft.ts'
import { jsonMeta, reduceJson } from './json.ts'
import type { Reducer } from './reduce.ts'
import {
  type ApiStatus,
  type BodyReader,
  type ListFacts,
  type ListReader,
  largestObject,
  type WatchEvent,
  type WireObject,
} from './wire.ts'

const newline = 0x0a
const quote = 0x22
const colon = 0x3a
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** One event per line. Lines end at LF only: U+2028 and the like are ordinary characters in JSON. */
export function jsonWatch(reducer: Reducer): BodyReader<WatchEvent> {
  const queue = createByteQueue()
  let searched = 0
  return {
    push: queue.push,
    next() {
      for (;;) {
        const end = queue.indexOf(newline, searched)
        searched = end < 0 ? queue.length : 0
        if (end < 0) {
          if (queue.length > largestObject)
            throw new MalformedObject(`a line of ${queue.length} octets in a JSON watch`)
          return undefined
        }
        const line = queue.take(end + 1)
        if (isBlank(line)) continue
        const event = parse(line)
        const { type, object } = (event ?? {}) as { type?: unknown; object?: unknown }
        if (typeof type !== 'string') throw new MalformedObject('a line of a JSON watch is not an event')
        return { type, object: jsonObject(object, reducer) }
      }
    },
  }
}

/** Extracts the elements of `items` and the value of `metadata` from a list object. */
export function jsonList(reducer: Reducer): ListReader {
  const queue = createByteQueue()
  let metadata: unknown
  let scanned = 0
  let depth = 0
  let inText = false
  let escaped = false
  let inItems = false
  let ended = false
  /** Where the latest text at depth 1 began, the name that it became, and where the current value began. */
  let textStart = 0
  let name = ''
  let valueStart = 0

  /** Discards everything before `scanned`. */
  const drop = (): void => {
    queue.take(scanned)
    scanned = 0
  }

  const scanText = (octet: number): void => {
    if (escaped) escaped = false
    else if (octet === backslash) escaped = true
    else if (octet === quote) inText = false
  }

  const open = (octet: number): void => {
    if (++depth > maxDepth) throw tooDeep()
    if (depth === 2 && octet === openBracket && name === 'items') {
      inItems = true
      drop()
    } else if (depth === (inItems ? 3 : 2)) {
      valueStart = scanned - 1
    }
  }

  /** Returns an item when one is complete. */
  const close = (octet: number): WireObject | undefined => {
    depth--
    if (depth < 0) throw new MalformedObject('a JSON list closes more than it opens')
    if (depth === 0) ended = true
    if (inItems && depth === 2 && octet === closeBrace) {
      const item = parse(queue.view(valueStart, scanned))
      drop()
      return jsonObject(item, reducer)
    }
    if (depth === 1 && octet === closeBracket) inItems = false
    else if (depth === 1 && name === 'metadata') metadata = parse(queue.view(valueStart, scanned))
    return undefined
  }

  return {
    push: queue.push,
    next() {
      while (scanned < queue.length) {
        const octet = queue.at(scanned++)
        if (inText) {
          scanText(octet)
        } else if (octet === quote) {
          inText = true
          textStart = scanned - 1
        } else if (octet === colon && depth === 1) {
          const text = queue
            .view(textStart, scanned - 1)
            .toString('utf8')
            .trimEnd()
          name = text === '"items"' ? 'items' : text === '"metadata"' ? 'metadata' : ''
        } else if (octet === openBrace || octet === openBracket) {
          open(octet)
        } else if (octet === closeBrace || octet === closeBracket) {
          const item = close(octet)
          if (item !== undefined) return item
        }
      }
      if (queue.length > largestObject) throw new MalformedObject(`a list item of ${queue.length} octets`)
      return undefined
    },
    finish() {
      if (!ended) throw new MalformedObject('the list ends before its end')
      return listFacts(metadata)
    },
  }
}

/** A parsed object. */
export function jsonObject(object: unknown, reducer: Reducer): WireObject {
  return {
    meta: () => jsonMeta(object, reducer),
    reduce: (resource, meta, previous) => reduceJson(resource, object, meta, reducer, previous),
    status: () => jsonStatus(object),
  }
}

function listFacts(metadata: unknown): ListFacts {
  const { resourceVersion, continue: token } = (metadata ?? {}) as Record<string, unknown>
  return {
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
    continueToken: typeof token === 'string' ? token : '',
  }
}

function jsonStatus(object: unknown): ApiStatus {
  const { code, reason, message, details } = (object ?? {}) as Record<string, unknown>
  const { causes, retryAfterSeconds } = (details ?? {}) as Record<string, unknown>
  return {
    code: typeof code === 'number' ? code : 0,
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : '',
    causes: Array.isArray(causes) ? causes.map((cause) => String((cause as { reason?: unknown } | null)?.reason)) : [],
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : 0,
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((octet) => octet <= 0x20)
}

/** Nesting limit of an event or list. Kubernetes objects nest less than 30 deep; a parser uses 100 octets per level. */
const maxDepth = 256

const tooDeep = (): MalformedObject => new MalformedObject(`JSON that is nested more than ${maxDepth} deep`)

function checkDepth(bytes: Buffer): void {
  let depth = 0
  let inText = false
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i]
    if (inText) {
      if (octet === backslash) i++
      else if (octet === quote) inText = false
    } else if (octet === quote) inText = true
    else if (octet === openBrace || octet === openBracket) {
      if (++depth > maxDepth) throw tooDeep()
    } else if (octet === closeBrace || octet === closeBracket) depth--
  }
}

function parse(bytes: Buffer): unknown {
  checkDepth(bytes)
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new MalformedObject(`not JSON: ${(error as Error).message}`)
  }
}
