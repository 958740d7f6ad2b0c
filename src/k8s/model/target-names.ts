/**
 * The pod and node behind each place of an EndpointSlice, for display: no answer depends on them. A slice's names are packed
 * into one string with one octet per character, and each name omits the prefix that it shares with the previous one: 150,000
 * endpoints cost 2 MiB instead of 20.
 */

/** UTF-8 octets of a text, in a buffer that belongs to somebody else. */
export interface Octets {
  bytes: Uint8Array
  start: number
  end: number
}

export interface TargetName {
  /** targetRef.name, '' without one. */
  readonly pod: string
  /** nodeName, '' without one. */
  readonly node: string
}

/** Collects the names of one slice at a time. */
export interface TargetNames {
  begin(): void
  /** Adds a place. A name that is too long for any object counts as ''. */
  add(pod: Octets, node: Octets): void
  /** The packed names; '' if there are none. Returns `previous` itself if equal. */
  finish(previous: string | undefined): string
}

/** A length is one octet; names of objects have at most 253 octets (RFC 1123). */
const longest = 253

/** Maximum octets of one place: two names, two lengths each. */
const perPlace = 2 * (longest + 2)

export function createTargetNames(): TargetNames {
  let packed = Buffer.alloc(128 * 64)
  let length = 0
  let hasNames = false
  const pod = { bytes: new Uint8Array(longest), length: 0 }
  const node = { bytes: new Uint8Array(longest), length: 0 }

  const pack = (name: Octets, before: typeof pod): void => {
    const size = name.end - name.start <= longest ? name.end - name.start : 0
    let shared = 0
    while (shared < size && shared < before.length && before.bytes[shared] === name.bytes[name.start + shared]) shared++
    packed[length++] = shared
    packed[length++] = size - shared
    for (let i = shared; i < size; i++) {
      const octet = name.bytes[name.start + i]
      packed[length++] = octet
      before.bytes[i] = octet
    }
    before.length = size
    if (size > 0) hasNames = true
  }

  return {
    begin() {
      length = 0
      hasNames = false
      pod.length = 0
      node.length = 0
    },
    add(podName, nodeName) {
      if (length + perPlace > packed.length) packed = Buffer.concat([packed, Buffer.alloc(packed.length)])
      pack(podName, pod)
      pack(nodeName, node)
    },
    finish(previous) {
      if (!hasNames) return ''
      if (previous !== undefined && isSame(previous, packed, length)) return previous
      return packed.toString('latin1', 0, length)
    },
  }
}

function isSame(text: string, bytes: Uint8Array, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[i]) return false
  return true
}

/** The names of each place of a slice with `count` places, in order. */
export function targetNames(packed: string, count: number): TargetName[] {
  if (packed === '') return Array.from({ length: count }, () => ({ pod: '', node: '' }))
  const names: TargetName[] = []
  let at = 0
  const next = (before: string): string => {
    const shared = packed.charCodeAt(at)
    const end = at + 2 + packed.charCodeAt(at + 1)
    const name = before.slice(0, shared) + packed.slice(at + 2, end)
    at = end
    return name
  }
  let pod = ''
  let node = ''
  for (let place = 0; place < count; place++) {
    pod = next(pod)
    node = next(node)
    names.push({ pod: utf8(pod), node: utf8(node) })
  }
  return names
}

const utf8 = (octets: string): string => Buffer.from(octets, 'latin1').toString('utf8')
