/**
 * Elements as data: a view describes what is to be seen, `patch` changes what differs from what is there. Elements that
 * stay keep focus, selection and scroll position. Data becomes text nodes and attribute values, never markup.
 */

/**
 * @typedef {string | number | boolean | undefined | ((event: any) => void)} Value
 * @typedef {Readonly<Record<string, Value>>} Attributes
 *   `on…`: a listener; `.name`: a property; `--name`: a custom property of the style; anything else: an attribute.
 * @typedef {{ readonly tag: string, readonly key: Value, readonly attributes: Attributes, readonly children: readonly Item[] }} Description
 * @typedef {Description | Node | string} Item
 * @typedef {Item | number | false | undefined | null | readonly Child[]} Child
 */

const svgTags = new Set(['svg', 'g', 'path', 'line', 'rect', 'circle', 'polyline', 'polygon', 'text', 'title'])

/** @type {WeakMap<Node, Description>} */
const described = new WeakMap()
/** @type {WeakMap<Node, Map<string, (event: Event) => void>>} */
const listeners = new WeakMap()

/**
 * @param {string} tag a tag and classes: `div.panel.wide`
 * @param {Attributes} [attributes] `key` tells siblings apart that may move
 * @param {...Child} children
 * @returns {Description}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split('.')
  const { key, ...others } = attributes
  const given = classes.length > 0 ? { class: [...classes, others.class].filter(Boolean).join(' ') } : {}
  return { tag: name, key, attributes: { ...others, ...given }, children: flat(children) }
}

/** @param {readonly Child[]} children @returns {Item[]} */
function flat(children) {
  return children.flatMap((child) => {
    if (child === false || child === undefined || child === null) return []
    if (Array.isArray(child)) return flat(child)
    return [typeof child === 'number' ? String(child) : /** @type {Item} */ (child)]
  })
}

/** An element that a view keeps. @param {Description} description @returns {HTMLElement} */
export function element(description) {
  return /** @type {HTMLElement} */ (create(description))
}

/** Makes the children of `host` what `wanted` describes. @param {Element} host @param {...Child} wanted */
export function patch(host, ...wanted) {
  patchItems(host, flat(wanted))
}

/** @param {Element} host @param {readonly Item[]} wanted */
function patchItems(host, wanted) {
  const keyed = new Map()
  for (const node of host.childNodes) {
    const key = described.get(node)?.key
    if (key !== undefined) keyed.set(key, node)
  }
  /** @type {ChildNode | null} */
  let at = host.firstChild
  for (const item of wanted) {
    const node = reusable(item, at, keyed)
    if (node === undefined) host.insertBefore(create(item), at)
    else {
      if (node === at) at = at.nextSibling
      else host.insertBefore(node, at)
      update(node, item)
    }
  }
  while (at !== null) {
    const next = at.nextSibling
    at.remove()
    at = next
  }
}

/** @param {Item} item @param {ChildNode | null} at @param {Map<Value, ChildNode>} keyed @returns {Node | undefined} */
function reusable(item, at, keyed) {
  if (item instanceof Node) return item
  if (typeof item === 'string') return at?.nodeType === Node.TEXT_NODE ? at : undefined
  const isNext = at !== null && described.get(at)?.key === item.key
  const candidate = isNext ? at : keyed.get(item.key)
  // Of siblings that have one key against the rule each has a node of its own.
  keyed.delete(item.key)
  return candidate && described.get(candidate)?.tag === item.tag ? candidate : undefined
}

/** @param {Item} item @returns {Node} */
function create(item) {
  if (item instanceof Node) return item
  if (typeof item === 'string') return document.createTextNode(item)
  const node = svgTags.has(item.tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', item.tag)
    : document.createElement(item.tag)
  described.set(node, { ...item, attributes: {} })
  update(node, item)
  return node
}

/** @param {Node} node @param {Item} item */
function update(node, item) {
  if (item instanceof Node) return
  if (typeof item === 'string') {
    if (node.nodeValue !== item) node.nodeValue = item
    return
  }
  const target = /** @type {HTMLElement} */ (node)
  const before = described.get(node)?.attributes ?? {}
  for (const name of Object.keys(before)) if (!(name in item.attributes)) setAttribute(target, name, undefined)
  for (const [name, value] of Object.entries(item.attributes)) {
    if (before[name] !== value) setAttribute(target, name, value)
  }
  described.set(node, item)
  patchItems(target, item.children)
}

/** @param {HTMLElement} target @param {string} name @param {Value} value */
function setAttribute(target, name, value) {
  if (name.startsWith('on')) listen(target, name.slice(2), typeof value === 'function' ? value : undefined)
  else if (name.startsWith('.')) Reflect.set(target, name.slice(1), value)
  // By the object model, which the Content-Security-Policy allows; a style attribute it does not.
  else if (name.startsWith('--')) target.style.setProperty(name, String(value ?? ''))
  else if (value === undefined || value === false) target.removeAttribute(name)
  else target.setAttribute(name, value === true ? '' : String(value))
}

/** @param {HTMLElement} target @param {string} type @param {((event: Event) => void) | undefined} listener */
function listen(target, type, listener) {
  const known = listeners.get(target) ?? new Map()
  listeners.set(target, known)
  if (listener === undefined) known.delete(type)
  // One listener of ours a type, which looks up what to call: a view describes a new function each time.
  else {
    if (!known.has(`${type} listens`)) target.addEventListener(type, (event) => known.get(type)?.(event))
    known.set(`${type} listens`, listener)
    known.set(type, listener)
  }
}
