/** Names that the search box offers: those of the cluster's services. */
import { h, patch } from './dom.js'

/** @import { ConsoleState } from '../../../console/state.ts' */

/** Names that are offered at a time. */
const most = 12

/** @param {HTMLElement} list @param {string} text @param {ConsoleState} state */
export function suggestNames(list, text, { services, api }) {
  const zone = api.flatMap(({ zones }) => zones).find((each) => !each.endsWith('.arpa.')) ?? 'cluster.local.'
  const wanted = text.trim().toLowerCase().replace('/', '.')
  const names = wanted === '' ? [] : services.list.map(({ namespace, name }) => `${name}.${namespace}.svc.${zone}`)
  const found = names.filter((name) => name.includes(wanted) && name !== wanted).slice(0, most)
  patch(list, ...found.map((name) => h('option', { key: name, value: name })))
}
