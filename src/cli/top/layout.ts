/** Sections as text: complete documents for a pipe, or as much as fits a screen. */
import type { ConsoleState } from '../../console/state.ts'
import { printableLine } from '../output.ts'
import { table } from '../show.ts'
import type { MakeSection, Order, Section } from './sections.ts'
import * as sections from './sections.ts'

export interface View {
  readonly name: string
  readonly sections: readonly MakeSection[]
}

export const views: readonly View[] = [
  {
    name: 'overview',
    sections: [
      sections.traffic,
      sections.withoutEndpoint,
      sections.names,
      sections.nxdomain,
      sections.servfail,
      sections.clients,
      sections.upstreams,
      sections.changes,
    ],
  },
  { name: 'names', sections: [sections.names, sections.nxdomain, sections.servfail, sections.clients] },
  { name: 'services', sections: [sections.services, sections.splits, sections.holds, sections.problems] },
  { name: 'upstreams', sections: [sections.upstreams, sections.cache] },
  { name: 'changes', sections: [sections.changes] },
  { name: 'server', sections: [sections.server, sections.traffic] },
]

const all: readonly MakeSection[] = [
  sections.server,
  sections.traffic,
  sections.names,
  sections.nxdomain,
  sections.servfail,
  sections.clients,
  sections.withoutEndpoint,
  sections.splits,
  sections.holds,
  sections.problems,
  sections.upstreams,
  sections.cache,
  sections.changes,
]

/** Rows of a section in a document: lists begin with their most important rows. */
const rowsInDocument = 10

/** All sections, for pipes and files. */
export function documentText(state: ConsoleState): string {
  const parts = all.map((make) =>
    sectionLines(make(state, 'figure'), rowsInDocument)
      .map((line) => `${line}\n`)
      .join(''),
  )
  return `${new Date(state.time).toISOString()} ${printableLine(sections.stateLine(state))}\n\n${parts.join('\n')}`
}

/** The title and at most `most` rows: if some are hidden, the last row gives their number. */
function sectionLines({ title, note, rows, more = 0, none = '' }: Section, most: number): string[] {
  const heading = printableLine(`${title.toUpperCase()}${note ? ` (${note})` : ''}`)
  if (rows.length === 0) return [`${heading}: ${none}`]
  const left = Math.max(0, rows.length - most) + more
  // A row tells more than the number of hidden ones.
  const shown = left > 0 ? rows.slice(0, most > 1 ? most - 1 : most) : rows
  const lines = table(shown.map((row) => ['', ...row]))
    .split('\n')
    .filter((line) => line !== '')
  const hidden = rows.length - shown.length + more
  return [heading, ...lines, ...(hidden > 0 && most > 1 ? [`  … ${hidden} more`] : [])]
}

/** The user's choices. */
export interface Choice {
  readonly view: View
  readonly order: Order
  readonly paused: boolean
  /** The current error; '' if none. */
  readonly trouble: string
}

/** Lines of a screen: at most `rows`, each of at most `columns` characters. */
export function screenLines(
  state: ConsoleState | undefined,
  { view, order, paused, trouble }: Choice,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const tabs = views
    .map(({ name }, index) => `${index + 1} ${name === view.name ? name.toUpperCase() : name}`)
    .join('  ')
  const keys = 'q quit  1-6 Tab view  s sort  space pause'
  const head = [state ? sections.stateLine(state) : 'waiting for the server', `${tabs}`]
  const foot = [[trouble, paused ? 'PAUSED' : '', keys, `sorted by ${order}`].filter(Boolean).join(' · ')]
  const room = Math.max(0, rows - head.length - foot.length - 1)
  const body = state
    ? bodyLines(
        view.sections.map((make) => make(state, order)),
        room,
      )
    : []
  const lines = [...head, '', ...body]
  while (lines.length < rows - foot.length) lines.push('')
  return [...lines.slice(0, Math.max(0, rows - foot.length)), ...foot]
    .slice(0, Math.max(1, rows))
    .map((line) => cut(printableLine(line), columns))
}

/** Distributes the rows evenly, so that rows unused by short lists go to the long ones. */
function bodyLines(list: readonly Section[], room: number): string[] {
  const wanted = list.map(({ rows, more = 0 }) => rows.length + (more > 0 ? 1 : 0))
  const given = list.map(() => 0)
  // One title per section, and a blank line between sections.
  let left = room - list.length - (list.length - 1)
  for (let dealt = true; dealt && left > 0; ) {
    dealt = false
    for (const [index, most] of wanted.entries()) {
      if (left === 0 || given[index] >= most) continue
      given[index]++
      left--
      dealt = true
    }
  }
  return list.flatMap((section, index) => [...(index > 0 ? [''] : []), ...sectionLines(section, given[index])])
}

/** As many characters as fit: wide ones count twice, combining ones not at all. */
export function cut(line: string, columns: number): string {
  let width = 0
  let text = ''
  for (const character of line) {
    const wide = isWide.test(character) ? 2 : isMark.test(character) ? 0 : 1
    if (width + wide > columns) {
      const last = [...text].at(-1) ?? ''
      return `${text.slice(0, text.length - last.length)}…`
    }
    width += wide
    text += character
  }
  return text
}

/** East Asian wide characters and emoji (Unicode Standard Annex 11), roughly. */
const isWide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]/u
const isMark = /\p{M}/u
