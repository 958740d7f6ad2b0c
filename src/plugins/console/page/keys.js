/** Keys of the page, and the dialog that lists them. */
import { h, patch } from './dom.js'

/** @import { View } from './parts.js' */

/**
 * @typedef {object} KeyOptions
 * @property {HTMLDialogElement} dialog
 * @property {HTMLElement} main
 * @property {readonly View[]} views
 * @property {() => void} focusSearch
 * @property {() => boolean} close
 * @property {() => void} togglePause
 */

/** @param {KeyOptions} options */
export function createKeys({ dialog, main, views, focusSearch, close, togglePause }) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return
    const target = /** @type {HTMLElement} */ (event.target)
    const isTyping = target.matches('input, select, textarea')
    if (event.key === 'Escape') {
      if (isTyping) target.blur()
      else close()
      return
    }
    if (!isTyping && act(event.key)) event.preventDefault()
  })
  // A click beside the dialog closes it.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close())

  /** Whether the key means something. @param {string} key */
  function act(key) {
    const view = /^[1-9]$/.test(key) ? views[Number(key) - 1] : undefined
    if (view) location.hash = `#/${view.id}`
    else if (key === '/') focusSearch()
    else if (key === '?') showHelp()
    else if (key === 'p') togglePause()
    else if (key === 'j' || key === 'k') return moveFocus(key === 'j' ? 1 : -1)
    else if (key === 'f') return focusFilter()
    else return false
    return true
  }

  /** @param {number} step */
  function moveFocus(step) {
    const rows = /** @type {HTMLElement[]} */ ([...main.querySelectorAll('[data-row], .grid:not([hidden])')])
    const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement))
    const row = rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))]
    row?.focus()
    return row !== undefined
  }

  function focusFilter() {
    const filter = /** @type {HTMLElement | null} */ (main.querySelector('.filter'))
    filter?.focus()
    return filter !== null
  }

  function showHelp() {
    patch(
      dialog,
      h(
        'div.detail-head',
        {},
        h('h2', { id: 'help-title' }, 'Keys'),
        h('button.plain-button', { type: 'button', onclick: () => dialog.close() }, 'Close', h('kbd', {}, 'Esc')),
      ),
      h(
        'dl.keys',
        {},
        rows(views).map(([keys, words]) =>
          h(
            'div',
            {},
            h(
              'dt',
              {},
              keys.map((key) => h('kbd', {}, key)),
            ),
            h('dd', {}, words),
          ),
        ),
      ),
    )
    dialog.showModal()
  }

  return { showHelp }
}

/** @param {readonly View[]} views @returns {readonly (readonly [readonly string[], string])[]} */
const rows = (views) => [
  ...views.map(({ title }, index) => /** @type {const} */ ([[String(index + 1)], title])),
  [['/'], 'Explain a name'],
  [['f'], 'Filter the services'],
  [['j', 'k'], 'Next and previous row, as the arrows do in tables and charts'],
  [['Enter'], 'Open the row'],
  [['Esc'], 'Close what is open'],
  [['p'], 'Pause, go on'],
  [['?'], 'This list'],
]
