/** `slicedns explain` as a page: the question, and the way that each listener's answer takes. */
import { element, h, patch } from '../dom.js'
import { note, status } from '../parts.js'
import { drawPath } from '../path.js'
import { reasonIn } from '../stream.js'

/** @import { Explanation } from '../path.js' */
/** @import { View } from '../parts.js' */

const types = ['A', 'AAAA', 'SRV', 'PTR', 'CNAME', 'TXT', 'HTTPS', 'NS', 'SOA', 'MX']

/** @param {(path: readonly string[]) => void} navigate @returns {View} */
export function createExplain(navigate) {
  /** @type {{ name: string, type: string } | undefined} */
  let question
  let asked = 0
  const result = element(h('div.explanations', { 'aria-live': 'polite' }))
  const picker = element(h('div.chips', { role: 'group', 'aria-label': 'Record type' }))
  const root = element(h('div.view.explain', {}, picker, result))

  /** @param {string} name @param {string} type */
  async function ask(name, type) {
    const mine = ++asked
    patch(result, note(`Asks for ${name} ${type}…`))
    const shown = await explanationsOf(name, type)
    // A later question has its own answer.
    if (mine === asked) patch(result, ...shown)
  }

  function show() {
    const { name, type } = question ?? { name: '', type: '' }
    const offered = question && !types.includes(type) ? [type, ...types] : types
    picker.hidden = question === undefined
    patch(
      picker,
      offered.map((each) =>
        h(
          'button.chip',
          { key: each, type: 'button', 'aria-pressed': String(each === type), onclick: () => navigate([name, each]) },
          each,
        ),
      ),
      h('button.plain-button', { type: 'button', onclick: () => ask(name, type) }, 'Ask again'),
    )
  }

  return {
    id: 'explain',
    title: 'Explain',
    element: root,
    update() {},
    open([name, type = 'A']) {
      const isSame = question?.name === name && question?.type === type
      question = name ? { name, type } : undefined
      show()
      if (!question) patch(result, introduction())
      else if (!isSame) ask(name, type)
    },
  }
}

function introduction() {
  return h(
    'div.panel.introduction',
    {},
    h('h2', {}, 'Why is a name answered as it is?'),
    h(
      'p',
      {},
      'Press ',
      h('kbd', {}, '/'),
      ' and type a name, with a record type behind it if it is not A: ',
      h('code', {}, '_http._tcp.shop.team-a.svc.cluster.local SRV'),
      '. An IP address asks for its name.',
    ),
    h(
      'p',
      {},
      'The question goes through listener, server block and plugins of this replica, and leaves no trace in its metrics and query log.',
    ),
  )
}

/** @param {string} name @param {string} type */
async function explanationsOf(name, type) {
  try {
    const reply = await fetch(`explain?${new URLSearchParams({ name, type })}`, { cache: 'no-store' })
    if (!reply.ok) return [note(status('critical', reasonIn(await reply.text()).slice(0, 500)))]
    /** @type {Explanation[]} */
    const explanations = await reply.json()
    if (explanations.length === 0) return [note('No listener answers queries.')]
    return alike(explanations).map(drawPath)
  } catch {
    return [note(status('critical', 'the server does not answer'))]
  }
}

/** Listeners that say the same are drawn once; records may come in any order. @param {readonly Explanation[]} explanations */
function alike(explanations) {
  const groups = Map.groupBy(explanations, ({ listener: _, ...rest }) =>
    JSON.stringify({ ...rest, answer: rest.answer.toSorted(), additional: rest.additional.toSorted() }),
  )
  return [...groups.values()].map((group) => ({ ...group[0], listeners: group.map(({ listener }) => listener) }))
}
