/** The copy of etcd's keys as a tree, so that the keys below a name are found without a search. */
import type { Segments } from './keys.ts'
import type { Service } from './service.ts'

export interface Entry {
  /** Undefined where the value is not a service. */
  readonly service: Service | undefined
  readonly key: string
  /** Octets of key and value. */
  readonly octets: number
}

interface Node {
  readonly children: Map<string, Node>
  entry: Entry | undefined
}

export interface Store {
  readonly size: number
  /** Of keys, values and the tree's nodes. */
  readonly octets: number
  /** Whether a key is not deeper than any name: walks of the tree recurse once per segment. */
  takes(key: string): boolean
  put(entry: Entry): void
  remove(key: string): void
  at(segments: Segments): Entry | undefined
  /** In the order of their keys; the first `most` that the walk finds. */
  below(segments: Segments, most: number): Entry[]
  entries(): Iterable<Entry>
}

/** The labels of a name (RFC 1035 §2.3.4) and a path before them. */
const maxSegments = 255
/** Roughly a node with its map: a key of many short segments takes far more memory than its own octets. */
const nodeOctets = 256

export function createStore(): Store {
  const root: Node = { children: new Map(), entry: undefined }
  let size = 0
  let octets = 0

  const pathOf = (key: string): string[] => key.split('/').slice(1)

  function nodeAt(segments: Segments): Node | undefined {
    let node: Node | undefined = root
    for (const segment of segments) node = node?.children.get(segment)
    return node
  }

  function* entriesBelow(node: Node): Generator<Entry> {
    for (const child of node.children.values()) {
      if (child.entry) yield child.entry
      yield* entriesBelow(child)
    }
  }

  function count(entry: Entry | undefined, sign: 1 | -1): void {
    if (!entry) return
    size += sign
    octets += sign * entry.octets
  }

  return {
    takes: (key) => key.length <= maxSegments || pathOf(key).length <= maxSegments,
    get size() {
      return size
    },
    get octets() {
      return octets
    },
    put(entry) {
      let node = root
      for (const segment of pathOf(entry.key)) {
        let next = node.children.get(segment)
        if (!next) {
          next = { children: new Map(), entry: undefined }
          node.children.set(segment, next)
          octets += nodeOctets
        }
        node = next
      }
      count(node.entry, -1)
      node.entry = entry
      count(entry, 1)
    },
    remove(key) {
      const trail: { readonly parent: Node; readonly segment: string }[] = []
      let node: Node | undefined = root
      for (const segment of pathOf(key)) {
        trail.push({ parent: node, segment })
        node = node.children.get(segment)
        if (!node) return
      }
      count(node.entry, -1)
      node.entry = undefined
      for (const { parent, segment } of trail.reverse()) {
        const child = parent.children.get(segment) as Node
        if (child.entry || child.children.size > 0) return
        parent.children.delete(segment)
        octets -= nodeOctets
      }
    },
    at: (segments) => nodeAt(segments)?.entry,
    below(segments, most) {
      const node = nodeAt(segments)
      const found: Entry[] = []
      if (!node) return found
      for (const entry of entriesBelow(node)) {
        found.push(entry)
        if (found.length === most) break
      }
      return found.sort(byKey)
    },
    entries: () => entriesBelow(root),
  }
}

const byKey = (a: Entry, b: Entry): number => (a.key < b.key ? -1 : 1)
