/** A random Corefile: a few plugins in front of the upstream, or several views of one zone. */
import type { Random } from '../../random-source.ts'
import { type Block, type Directive, type Draft, upstreamPlace } from './draft.ts'
import { acl, expression, hosts, rewrite, simple, template } from './rules.ts'
import { type Words, wordsFrom } from './words.ts'

export function randomDraft(random: Random): Draft {
  const words = wordsFrom(random)
  const blocks = random.chance(0.2) ? views(words) : [{ zone: '.', directives: chain(words) }]
  return { blocks, names: [...words.names, ...always] }
}

/** Asked for whatever the rules are: they show all sections, and what the upstream heard. */
const always = ['www.up.test.', 'alias.up.test.', 'x.echo.test.', 'a.r.test.', 'www.r.test.']

function chain(words: Words): Directive[] {
  const { random } = words
  const large = words.some(3, () => random.pick([hosts, rewrite, rewrite, template, template, acl]))
  const small = random.chance(0.6) ? words.some(3, () => random.pick(simple)) : []
  return [...large.flatMap((make) => make(words)), ...small.map((make) => make(words)), ...last(words)]
}

function last({ random }: Words): Directive[] {
  const forward = [{ line: `forward . ${upstreamPlace}`, body: [] }]
  return random.chance(0.85) ? forward : random.chance(0.5) ? [{ line: 'whoami', body: [] }] : []
}

function views(words: Words): Block[] {
  const { random, perhaps, zone } = words
  const count = 2 + random.below(4)
  const block = (at: number): Block => ({
    zone: random.chance(0.5) ? '.' : zone(),
    directives: [
      ...perhaps(0.3, { line: 'metadata', body: [] }),
      { line: `view v${at}`, body: words.some(2, () => `expr "${expression(words)}"`) },
      { line: 'template IN ANY', body: [`answer "{{ .Name }} ${at} IN A 192.0.2.${at}"`] },
    ],
  })
  return [...Array.from({ length: count }, (_, at) => block(at + 1)), { zone: '.', directives: chain(words) }]
}
