/** Names that look like one: what is above and below it, its neighbours by a letter, an escape or a label's length. */
import { parseName } from '../../../src/dns/name.ts'

export function nearNames(name: string): string[] {
  const [first = '', ...rest] = labelsOf(name)
  const parent = `${rest.join('.')}.`
  const below = (label: string) => (rest.length === 0 ? `${label}.` : `${label}.${parent}`)
  const under = (labels: string) => (name === '.' ? `${labels}.` : `${labels}.${name}`)
  const near = [
    name,
    under('x'),
    under('x.y'),
    under('*'),
    under('_http._tcp'),
    under('n'.repeat(63)),
    under(filling(name, 254)),
    under(filling(name, 253)),
    `${name === '.' ? '' : name}svc.cluster.local.`,
    `${name}${name}`,
    ...(first === ''
      ? []
      : [
          parent,
          below(`${first}x`),
          below(`x${first}`),
          below(first.slice(0, -1) || 'y'),
          below(first.toUpperCase()),
          below('*'),
          below('x'),
          below(`${first}\\000`),
          below(`${first}\\.`),
          below(`\\032${first}`),
          below(`${first}\\255`),
          below(`${first}\\"\\@`),
          ...(rest.length > 1 ? [`${first}\\.${parent}`] : []),
          `${name.slice(0, -1)}x.`,
          `${[first, ...rest.slice(0, -1), 'example'].join('.')}.`,
        ]),
  ]
  return [...new Set(near.flatMap(asName))]
}

/** Labels that make the name so many octets of the wire, the root's included. */
function filling(name: string, octets: number): string {
  const left = octets - (name === '.' ? 1 : name.length + 1)
  const labels: string[] = []
  for (let room = left; room > 1; room -= 64) labels.push('l'.repeat(Math.min(63, room - 1)))
  return labels.join('.')
}

function labelsOf(name: string): string[] {
  return (name.match(/(?:\\.|[^.\\])+/g) ?? []) as string[]
}

function asName(text: string): string[] {
  try {
    return [parseName(text)]
  } catch {
    return []
  }
}
