/** Dark or light: as the system says, or as the reader chose. */

/** @typedef {'auto' | 'light' | 'dark'} Theme */

const key = 'slicedns-theme'
/** @type {readonly Theme[]} */
const themes = ['auto', 'light', 'dark']

/** @returns {Theme} */
export function currentTheme() {
  return themes.find((theme) => theme === stored()) ?? 'auto'
}

export function nextTheme() {
  const theme = themes[(themes.indexOf(currentTheme()) + 1) % themes.length]
  try {
    localStorage.setItem(key, theme)
  } catch {
    // A browser that stores nothing: the choice lasts as long as the page.
  }
  applyTheme(theme)
  return theme
}

/** @param {Theme} theme */
export function applyTheme(theme) {
  document.documentElement.dataset.theme = theme
}

function stored() {
  try {
    return localStorage.getItem(key)
  } catch {
    return document.documentElement.dataset.theme
  }
}
