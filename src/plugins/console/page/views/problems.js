/** Annotations that are ignored or do not have the effect that they seem to have, and why. */
import { element, h, patch } from '../dom.js'
import { plural } from '../format.js'
import { note, panel, table } from '../parts.js'

/** @import { View } from '../parts.js' */

/** Rows that are shown: the text of each may take several lines. */
const most = 300

/** @returns {View} */
export function createProblems() {
  const root = element(h('div.view'))
  return {
    id: 'problems',
    title: 'Annotations',
    element: root,
    update({ problems }) {
      patch(
        root,
        note(
          problems.length === 0
            ? 'No annotation is ignored.'
            : `${plural(problems.length, 'annotation')}, each ignored or without the effect that it seems to have. The others of an object apply.`,
        ),
        problems.length > 0 &&
          panel(
            'Annotations without effect',
            {},
            table(
              'Annotations without effect',
              ['Object', 'Annotation', 'Reason'],
              problems.slice(0, most).map(({ kind, namespace, name, key, reason }, index) => ({
                key: `${kind} ${namespace}/${name} ${key} ${index}`,
                cells: [
                  [h('span.muted', {}, `${kind} `), namespace ? `${namespace}/${name}` : name],
                  h('code', {}, key),
                  reason,
                ],
              })),
            ),
          ),
        problems.length > most && note(`${plural(problems.length - most, 'more')}: the log has them.`),
      )
    },
    attention: ({ problems }) => problems.length,
  }
}
