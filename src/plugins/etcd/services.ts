/** Finds the services of a name (docs/coredns-behaviour.md). */

import { type } from '../../dns/codes.ts'
import { lowerName } from '../../dns/name.ts'
import { ofGroup } from './group.ts'
import { fixedSegments, isWildcard, type Segments, segmentsOf } from './keys.ts'
import type { Service } from './service.ts'
import type { Entry, Store } from './store.ts'

/** More than fit a message of 64 KiB. A name high in the tree leads to all keys below it. */
const maxServices = 4096

export interface Services {
  /**
   * The services at and below the name, or at it alone (`exact`); undefined where it leads to no key. Throws where they
   * are unusable.
   */
  of(name: string, qtype: number, exact?: 'exact'): readonly Service[] | undefined
}

export function createServices(path: Segments, store: () => Store): Services {
  function entriesOf(fixed: Segments, exact: boolean): readonly Entry[] {
    const below = exact ? [] : store().below(fixed, maxServices + 1)
    if (below.length > maxServices)
      throw new Error(`more than ${maxServices} keys are below /${fixed.join('/')}: they do not fit an answer`)
    if (below.length > 0) return below
    const entry = store().at(fixed)
    return entry ? [entry] : []
  }

  return {
    of(name, qtype, exact) {
      const segments = segmentsOf(path, lowerName(name))
      const fixed = fixedSegments(path, segments)
      const entries = entriesOf(fixed, exact !== undefined)
      if (entries.length === 0) return undefined
      const matching = fixed === segments ? entries : entries.filter(({ key }) => matches(segments, key))
      const services = matching.flatMap(({ service }) => service ?? [])
      if (services.length === 0 && matching.length > 0)
        throw new Error(`${matching[0].key}: the value is not a service (see the log for the reason)`)
      return ofGroup(services.filter(({ host, text }) => host !== '' || (qtype === type.TXT && text !== '')))
    },
  }
}

function matches(wanted: Segments, key: string): boolean {
  const segments = key.split('/').slice(1)
  return wanted.every((segment, i) => i < segments.length && (isWildcard(segment) || segments[i] === segment))
}
