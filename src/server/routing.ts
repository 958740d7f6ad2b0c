import { type as rrType } from '../dns/codes.ts'
import { labelsOf, lastLabels, parentOf } from '../dns/name.ts'

/** A server block as routing sees it. */
export interface Routable {
  /** Zones that the block serves on this listener. */
  readonly zones: readonly string[]
  /** The block takes only some of the queries for its zones (`view`). */
  readonly isView?: boolean
  /** The rules of the listener's space send every client of the view to the chain. */
  readonly isLeftToRules?: boolean
}

export interface Routed<Block> {
  readonly block: Block
  /** The zone of the block that matched: the `zone` label of its metrics. */
  readonly zone: string
}

/** Chooses the server block for a question, as CoreDNS does (docs/coredns-behaviour.md §2.5). */
export interface Router<Block> {
  /**
   * The block of the longest zone that holds `name`; for DS the topmost except the root, because the parent answers it,
   * unless a block on the way refuses everything. Among several blocks of a zone the first that `takes` the query, for DS
   * the last; if none does, the zones above are tried. Default: blocks without a view.
   */
  route(name: string, type: number, takes?: (found: Routed<Block>) => boolean): Routed<Block> | undefined
  /**
   * The block that answers `name` for every client that no rule of the listener's space sends to the chain; undefined if a
   * view decides.
   */
  owner(name: string): Routed<Block> | undefined
  /** Zones served below `name`, itself excluded. */
  zonesBelow(name: string): readonly string[]
}

export function createRouter<Block extends Routable>(
  blocks: readonly Block[],
  refuses: (block: Block) => boolean = () => false,
): Router<Block> {
  const byZone = new Map<string, Block[]>()
  for (const block of blocks)
    for (const zone of block.zones) {
      const sharing = byZone.get(zone)
      if (sharing) sharing.push(block)
      else byZone.set(zone, [block])
    }

  /** Labels of the longest zone. Limits the lookups for a question, which may have 127 labels. */
  const deepest = Math.max(0, ...[...byZone.keys()].map((zone) => labelsOf(zone).length))

  function at(
    zone: string,
    takes: (found: Routed<Block>) => boolean,
    which: 'first' | 'last' = 'first',
  ): Routed<Block> | undefined {
    const sharing = byZone.get(zone) ?? []
    const isTaken = (candidate: Block) => takes({ block: candidate, zone })
    const block = which === 'first' ? sharing.find(isTaken) : sharing.findLast(isTaken)
    return block && { block, zone }
  }

  const takesAll = ({ block }: Routed<Block>) => !block.isView

  return {
    route(name, type, takes = takesAll) {
      let topmost: Routed<Block> | undefined
      for (let zone = lastLabels(name, deepest); zone !== '.'; zone = parentOf(zone)) {
        const found = at(zone, takes, type === rrType.DS ? 'last' : 'first')
        if (!found) continue
        if (type !== rrType.DS || refuses(found.block)) return found
        topmost = found
      }
      return topmost ?? at('.', takes, name === '.' && type === rrType.DS ? 'last' : 'first')
    },
    owner(name) {
      const first = this.route(name, rrType.NONE, ({ block }) => block.isLeftToRules !== true)
      return first?.block.isView ? undefined : first
    },
    zonesBelow(name) {
      const suffix = name === '.' ? '' : `.${name}`
      return [...byZone.keys()].filter(
        (zone) => zone !== name && zone !== '.' && (suffix === '' || zone.endsWith(suffix)),
      )
    },
  }
}
