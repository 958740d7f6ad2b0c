/** Queries that wait until their service has what they ask for. */
import { element, h, patch } from '../dom.js'
import { plural, span, timeOfDay } from '../format.js'
import { createGrid } from '../grid.js'
import { note } from '../parts.js'

/** @import { View } from '../parts.js' */

/** @returns {View} */
export function createHolds() {
  const words = element(h('div'))
  const grid = createGrid({
    label: 'Held queries',
    columns: [
      {
        title: 'Name',
        width: 'minmax(10rem, 3fr)',
        narrowWidth: 'minmax(0, 1fr)',
        cell: ({ name }) => h('code', {}, name),
      },
      { title: 'Since', width: '6rem', isWideOnly: true, cell: ({ since }) => timeOfDay(since) },
      { title: 'Left', width: '6rem', kind: 'number', cell: ({ left }) => span(left) },
      { title: 'Client', width: 'minmax(8rem, 1fr)', isWideOnly: true, cell: ({ client }) => client ?? '–' },
    ],
    keyOf: /** @param {{ name: string, since: number, left: number, client?: string, key: string }} row */ (row) =>
      row.key,
  })
  return {
    id: 'holds',
    title: 'Held queries',
    element: element(h('div.view.listing', {}, words, grid.element)),
    update({ holds: { waiting, list } }) {
      grid.element.hidden = list.length === 0
      patch(
        words,
        waiting === 0
          ? note('No query waits. A Service with the hold annotation keeps its queries until it has a ready endpoint.')
          : note(
              `${plural(waiting, 'query waits', 'queries wait')}${list.length < waiting ? `; ${list.length} of them are shown` : ''}.`,
            ),
      )
      grid.update(
        list.map((each, index) => ({ ...each, key: `${each.name} ${each.since} ${each.client ?? ''} ${index}` })),
      )
    },
    attention: () => 0,
  }
}
