/**
 * A table of any length: only the rows that are in sight exist. It is a `grid` whose active row moves by arrows or j and k,
 * and opens by Enter (https://www.w3.org/WAI/ARIA/apg/patterns/grid/).
 */
import { element, h, patch } from './dom.js'

/** @import { Child } from './dom.js' */

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {string} width a track of a CSS grid
 * @property {string} [narrowWidth] on a narrow screen
 * @property {(row: Row) => Child} cell
 * @property {'number'} [kind]
 * @property {boolean} [isWideOnly] left out on a narrow screen
 */

/**
 * @template Row
 * @typedef {object} GridOptions
 * @property {string} label
 * @property {readonly Column<Row>[]} columns
 * @property {(row: Row) => string} keyOf
 * @property {(row: Row) => string} [classOf]
 * @property {(row: Row) => void} [onOpen]
 */

const rowHeight = 34
/** Rows beyond those in sight, so that scrolling shows no gap. */
const overscan = 8
let grids = 0

/** @template Row @param {GridOptions<Row>} options */
export function createGrid({ label, columns, keyOf, classOf, onOpen }) {
  const id = `grid-${++grids}`
  const head = element(h('div.grid-row.grid-head', { role: 'row', 'aria-rowindex': 1 }))
  const spacer = element(h('div.grid-rows', { role: 'rowgroup' }))
  const grid = element(
    h('div.grid', {
      role: 'grid',
      tabindex: 0,
      'aria-label': label,
      'aria-colcount': columns.length,
      '--tracks': columns.map(({ width }) => width).join(' '),
      '--narrow-tracks': columns
        .flatMap(({ width, narrowWidth = width, isWideOnly }) => (isWideOnly ? [] : [narrowWidth]))
        .join(' '),
      '--row-height': `${rowHeight}px`,
      onscroll: schedule,
      onkeydown: onKey,
      onfocus: draw,
      onblur: draw,
    }),
  )
  patch(head, ...columns.map((column) => h(`div.${cellClass(column)}`, { role: 'columnheader' }, column.title)))
  grid.append(element(h('div.grid-header', { role: 'rowgroup' }, head)), spacer)
  new ResizeObserver(schedule).observe(grid)

  /** @type {readonly Row[]} */
  let rows = []
  /** The active row, by key: rows come and go above it. */
  let active = ''
  let opened = ''
  let isScheduled = false

  function schedule() {
    if (isScheduled) return
    isScheduled = true
    requestAnimationFrame(() => {
      isScheduled = false
      draw()
    })
  }

  function draw() {
    const headHeight = rowHeight
    const first = Math.max(0, Math.floor((grid.scrollTop - headHeight) / rowHeight) - overscan)
    const last = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / rowHeight) + overscan)
    const isFocused = document.activeElement === grid
    const shown = rows.slice(first, last).map((row, offset) => rowAt(row, first + offset, isFocused))
    patch(spacer, ...shown)
    const isShown = isFocused && rows.slice(first, last).some((row) => keyOf(row) === active)
    if (isShown) grid.setAttribute('aria-activedescendant', idOf(active))
    else grid.removeAttribute('aria-activedescendant')
  }

  /** @param {Row} row @param {number} index @param {boolean} isFocused */
  function rowAt(row, index, isFocused) {
    const key = keyOf(row)
    const isActive = key === active
    const classes = [
      isActive && isFocused && 'is-active',
      key === opened && 'is-opened',
      index % 2 === 1 && 'is-odd',
      onOpen && 'is-link',
      classOf?.(row),
    ]
    return h(
      'div.grid-row',
      {
        key,
        id: idOf(key),
        role: 'row',
        class: classes.filter(Boolean).join(' '),
        'aria-rowindex': index + 2,
        'aria-selected': onOpen ? String(key === opened) : undefined,
        '--top': `${index * rowHeight}px`,
        onclick: () => {
          active = key
          open()
        },
      },
      columns.map((column) => h(`div.${cellClass(column)}`, { role: 'gridcell' }, column.cell(row))),
    )
  }

  /** @param {string} key */
  const idOf = (key) => `${id}-${encodeURIComponent(key.toWellFormed())}`

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor(grid.clientHeight / rowHeight) - 2)
    const steps = /** @type {Record<string, number>} */ ({
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    })
    if (event.key in steps) moveBy(steps[event.key])
    else if (event.key === 'Enter') open()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  /** @param {number} step */
  function moveBy(step) {
    if (rows.length === 0) return
    const from = rows.findIndex((row) => keyOf(row) === active)
    const to = from === -1 && Math.abs(step) === 1 ? 0 : Math.min(rows.length - 1, Math.max(0, from + step))
    active = keyOf(rows[to])
    const top = to * rowHeight
    const visible = grid.clientHeight - rowHeight
    if (top < grid.scrollTop) grid.scrollTop = top
    else if (top + rowHeight > grid.scrollTop + visible) grid.scrollTop = top + rowHeight - visible
    draw()
  }

  function open() {
    const row = rows.find((each) => keyOf(each) === active)
    if (row !== undefined && onOpen) onOpen(row)
    else draw()
  }

  return {
    element: grid,
    /** @param {readonly Row[]} wanted */
    update(wanted) {
      rows = wanted
      grid.setAttribute('aria-rowcount', String(rows.length + 1))
      spacer.style.setProperty('height', `${rows.length * rowHeight}px`)
      draw()
    },
    /** Marks the row that is shown beside the table. @param {string} key '' for no row */
    setOpened(key) {
      opened = key
      if (key !== '') active = key
      draw()
    },
  }
}

/** @param {{ kind?: 'number', isWideOnly?: boolean }} column */
function cellClass({ kind, isWideOnly }) {
  return ['grid-cell', kind === 'number' && 'number', isWideOnly && 'wide-only'].filter(Boolean).join('.')
}
