/**
 * Label selectors with the API server's syntax (`labels`, `namespace_labels`), for objects from manifests. An API server
 * filters its objects itself.
 */
export type Labels = Readonly<Record<string, string>>

export type Selector = (labels: Labels) => boolean

/**
 * Parses `a=b, c!=d, e in (x, y), f notin (z), g, !h`; every requirement must hold. '' selects all. Throws a SyntaxError
 * that names the requirement.
 */
export function parseSelector(text: string): Selector {
  const requirements = splitOutsideParentheses(text).map(parseRequirement)
  return (labels) => requirements.every((holds) => holds(labels))
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function parseRequirement(text: string): Selector {
  const set = /^([^\s!=(),]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text)
  if (set !== null) {
    const [, key, operator, list] = set
    const values = new Set(list.split(',').map((value) => value.trim()))
    // As in Kubernetes, `notin` and `!=` also hold for objects without the label.
    return operator === 'in'
      ? (labels) => Object.hasOwn(labels, key) && values.has(labels[key])
      : (labels) => !Object.hasOwn(labels, key) || !values.has(labels[key])
  }
  const equality = /^([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)$/.exec(text)
  if (equality !== null) {
    const [, key, operator, value] = equality
    const has = (labels: Labels) => Object.hasOwn(labels, key) && labels[key] === value
    return operator === '!=' ? (labels) => !has(labels) : has
  }
  const existence = /^(!?)\s*([^\s!=(),]+)$/.exec(text)
  if (existence === null) throw new SyntaxError(`label selector: ${JSON.stringify(text)} is not a requirement`)
  const [, not, key] = existence
  return not === '!' ? (labels) => !Object.hasOwn(labels, key) : (labels) => Object.hasOwn(labels, key)
}
