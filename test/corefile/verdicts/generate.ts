/** Corefiles made from the samples: everything that can be left out, doubled, misspelled or put in another form. */
import { directives, type Samples } from './directives.ts'

/** Words that are of the wrong kind nearly everywhere. */
const strays = ['x', '-1', '0', '5', '5s', '1.5', '""', '*', '99999999999999999999', '{', '}']

/** The texts for one directive, each the inside of a server block; lines apart. */
export function textsFor(name: string): readonly string[] {
  const samples = directives[name]
  const beside = (samples.beside ?? []).map((line) => `\n${line}`).join('')
  const texts = [...argumentTexts(name, samples), ...optionTexts(name, samples), ...shapeTexts(name, samples)]
  return [...new Set(texts.map((text) => (text === '' ? text : text + beside)))]
}

function join(...words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' ')
}

/** The directive with lines in its block, and what the block needs besides them. */
function block(head: string, lines: readonly string[], { needs = [] }: Samples): string {
  const written = new Set(lines.map((line) => line.split(' ', 1)[0]))
  const all = [...needs.filter((need) => !written.has(need.split(' ', 1)[0])), ...lines]
  return all.length === 0 ? head : [`${head} {`, ...all, '}'].join('\n')
}

function argumentTexts(name: string, samples: Samples): string[] {
  const [valid] = samples.args
  const words = valid.split(' ').filter((word) => word !== '')
  const replaced = words.flatMap((_, at) => strays.map((stray) => join(...words.with(at, stray))))
  const all = [...samples.args, ...replaced, ...strays.map((stray) => join(valid, stray)), join(valid, 'surplus')]
  return all.map((args) => block(join(name, args), [], samples))
}

function optionTexts(name: string, samples: Samples): string[] {
  const head = join(name, samples.args[0])
  return Object.entries(samples.options ?? {}).flatMap(([option, values]) => {
    const valid = join(option, values[0])
    const words = values[0].split(' ').filter((word) => word !== '')
    const simple = !values[0].includes('"')
    const replaced = simple
      ? words.flatMap((_, at) => strays.map((stray) => join(option, ...words.with(at, stray))))
      : []
    const lines = [
      ...values.map((value) => join(option, value)),
      ...replaced,
      join(valid, 'surplus'),
      join(valid, '}'),
      join(valid, '{'),
      join(`${option}x`, values[0]),
      join(option.slice(0, -1), values[0]),
      join(option.toUpperCase(), values[0]),
    ]
    return [
      ...lines.map((line) => block(head, [line], samples)),
      ...doubled(head, option, values, samples),
      ...forms(head, valid, samples),
    ]
  })
}

function doubled(head: string, option: string, [first, ...others]: readonly string[], samples: Samples): string[] {
  const again = others.find((value) => value !== '') ?? first
  return [
    block(head, [join(option, first), join(option, first)], samples),
    block(head, [join(option, first), join(option, again)], samples),
    `${block(head, [join(option, first)], samples)}\n${block(head, [join(option, first)], samples)}`,
  ]
}

/** One line of a block in each form that a block may have. */
function forms(head: string, line: string, samples: Samples): string[] {
  const needs = (samples.needs ?? []).filter((need) => need.split(' ', 1)[0] !== line.split(' ', 1)[0])
  const open = [`${head} {`, ...needs].join('\n')
  return [
    `${open}\n${line} }`,
    `${open}\n${line} { }\n}`,
    `${open}\n${line} {\n}\n}`,
    `${open}\n${line} {\n}\n${line}\n}`,
    `${open}\n${line} {\n${line}\n}\n}`,
    `${open}\n${line} {\n${line}\n}\n${line}\n}`,
    `${open}\n${line} {\nbogus\n}\n}`,
    `${open}\n${line} {\n${line} {\n${line}\n}\n}\n}`,
    `${open}\n${line}\n{\n${line}\n}\n}`,
    ...(needs.length > 0
      ? []
      : [`${head} { ${line} }`, `${head} { ${line}\n}`, `${head} {\n{\n${line}\n}\n}`, `${head}\n{\n${line}\n}`]),
  ]
}

function shapeTexts(name: string, samples: Samples): string[] {
  const head = join(name, samples.args[0])
  const plain = block(head, [], samples)
  return [
    `${plain}\n${plain}`,
    ...samples.args.slice(1, 6).flatMap((args) => [`${plain}\n${join(name, args)}`, `${join(name, args)}\n${plain}`]),
    `${plain}\n${name} 1 2 3 4`,
    `${name} 1 2 3 4\n${plain}`,
    `${head} { }`,
    `${head} {\n}`,
    `${head} { } {\n}`,
    `${head} {\n} x`,
    `${head} {\n}\n}`,
    `${head} {\n`,
    `${head} {bogus}`,
    `${head}{\n}`,
    `${head} {\nbogus\n}`,
    `${head} { bogus }`,
    `${head} {\n{\n}\n}`,
    `${head} {\n{ }\n}`,
    `${head}\n{\n}`,
    `${head}\n{ }`,
    `${head}\n}`,
    `${head} }`,
    block(head, ['bogus'], samples),
    block(head, ['bogus x'], samples),
    block(head, ['"" x'], samples),
    block(head, ['import missing'], samples),
  ]
}
