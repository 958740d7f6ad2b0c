import { resolve } from 'node:path'
import { readRegularFile } from '../../corefile/regular-file.ts'
import { isSubdomain, parentOf } from '../../dns/name.ts'
import { relayPassage } from '../../plugin/capabilities/relay.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { offers } from '../../plugin/declared-plugin.ts'
import { forClient } from '../../plugin/query.ts'
import { placed } from '../../plugin/transparency-of.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { searchListOf } from '../../upstream/resolv-conf.ts'
import { fixedLists, type SearchLists, searchLists } from './capability.ts'
import { type Settings, schema } from './settings.ts'
import { search } from './walk.ts'

const afterSearch = "the next domains of the client's search list are tried"

/** Follows the search list on behalf of the client, so that a short name costs one query instead of five. */
export const autopath: Plugin<Settings> = {
  name: 'autopath',
  schema,
  readFiles({ files }, reading) {
    for (const file of files) readList(resolve(file), reading)
  },
  unmetRequirement({ from }, plugins) {
    const named = 'plugin' in from && plugins.find(({ name }) => name === from.plugin)
    if (!named || offers(named, searchLists)) return undefined
    const others = plugins.filter((other) => offers(other, searchLists)).map(({ name }) => `@${name}`)
    return `plugin ${named.name} does not support autopath${others.length > 0 ? `; use ${others.join(' or ')}` : ''}`
  },
  setup,
}

function setup(settings: Settings, setup: Setup): Instance {
  const { from, zones, files } = settings
  const searched = placed({ reason: afterSearch, at: setup.directive.at })
  const success = setup.metrics.counter(
    'coredns_autopath_success_total',
    'Questions that were answered with a name further on in the search list of their client.',
    ['server'],
  )
  const read = new Map(files.map((file) => [file, readList(resolve(file), setup)]))
  const fixed = 'file' in from ? fixedLists(read.get(from.file)!) : undefined
  /** Undefined where the block does not have the plugin: as in CoreDNS, no search list is followed then. */
  const lists = (): SearchLists | undefined => fixed ?? ('plugin' in from ? listsOf(from.plugin, setup) : undefined)

  /** Whether a search may begin with this name: it is below the first domain of a search list. */
  function mayBeSearched(name: string): boolean {
    if (!zones.some((zone) => isSubdomain(zone, name))) return false
    for (let domain = parentOf(name); domain !== '.'; domain = parentOf(domain)) {
      if (lists()?.mayBegin(domain)) return true
    }
    return false
  }

  return {
    handler(query, next) {
      if (!zones.some((zone) => isSubdomain(zone, query.name))) return next(query)
      const list = lists()?.of(query)
      const first = list?.[0]
      if (list === undefined || first === undefined) return next(query)
      if (query.name === first || !isSubdomain(first, query.name)) return next(query)
      const found = (): void => {
        if (!query.unrecorded) success.with(query.server).inc()
      }
      // Another client has another search list.
      return search(list, query, next, found).then(forClient)
    },
    provides: [
      provide(relayPassage, {
        // Read when the block is complete: the plugin with the search lists is set up later.
        get zones() {
          return zones.flatMap((zone) => (lists()?.zones ?? []).flatMap((first) => overlap(zone, first)))
        },
      }),
      provide(transparency, {
        claims: (name) => (mayBeSearched(name) ? { answers: 'denials', reason: searched } : undefined),
        // Below a domain with which no search list begins, a missing name may be denied, and so it may above one: if
        // the first domain of a list does not exist, the client continues the search itself.
        claimsBelow: (name) => (lists()?.mayBegin(name) || mayBeSearched(name) ? { reason: searched } : undefined),
      }),
    ],
  }
}

/** The names that are in both zones. */
const overlap = (one: string, other: string): readonly string[] =>
  isSubdomain(one, other) ? [other] : isSubdomain(other, one) ? [one] : []

function listsOf(name: string, { block }: Setup): SearchLists | undefined {
  return block.capabilities(searchLists).find(({ plugin }) => plugin === name)?.value
}

function readList(path: string, { fail }: FileReading): readonly string[] {
  try {
    return searchListOf(readRegularFile(path).toString('utf8'))
  } catch (error) {
    return fail(`cannot read ${path}: ${errorMessage(error)}`)
  }
}
