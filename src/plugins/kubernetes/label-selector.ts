/** Label selectors as CoreDNS accepts them: `=`, `==`, `in`, `notin` and existence, joined by commas. */

const labelName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[a-z0-9]([-\w.]*[a-z0-9])?$/i
const labelValue = /^([a-z0-9]([-\w.]*[a-z0-9])?)?$/i
/** RFC 1123 and the API's limits: a name part and a value have at most 63 characters. */
const maxPart = 63

/** Why a selector is invalid; undefined when it is valid. */
export function labelSelector(text: string): string | undefined {
  for (const requirement of splitRequirements(text)) {
    const problem = requirementProblem(requirement.trim())
    if (problem) return problem
  }
  return undefined
}

/** Commas inside parentheses belong to a set of values. */
function splitRequirements(text: string): string[] {
  return text.trim() === '' ? [] : text.split(/,(?![^(]*\))/)
}

function requirementProblem(requirement: string): string | undefined {
  const absent = /^!\s*(\S+)$/.exec(requirement)
  if (absent) return nameProblem(absent[1])
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(requirement)
  if (set) return nameProblem(set[1]) ?? firstProblem(set[3].split(','))
  const operator = /!=|[<>]/.exec(requirement)
  if (operator) return `the operator '${operator[0]}' cannot be used here (use notin)`
  const equal = /^([^=\s]+)\s*==?\s*([^=\s]*)$/.exec(requirement)
  if (equal) return nameProblem(equal[1]) ?? firstProblem([equal[2]])
  return nameProblem(requirement)
}

function nameProblem(name: string): string | undefined {
  const part = name.slice(name.lastIndexOf('/') + 1)
  return labelName.test(name) && part.length <= maxPart ? undefined : `'${name}' is not a label name`
}

function firstProblem(values: readonly string[]): string | undefined {
  const bad = values.map((value) => value.trim()).find((value) => !labelValue.test(value) || value.length > maxPart)
  return bad === undefined ? undefined : `'${bad}' is not a label value`
}
