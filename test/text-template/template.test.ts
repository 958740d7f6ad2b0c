/** Templates print what Go's text/template prints for the same data; what Go said is in go.json. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compileTemplate, ExecutionError, TemplateError, type Value } from '../../src/text-template/index.ts'

type Recorded = { readonly template: string } & ({ readonly text: string } | { readonly error: 'parse' | 'execute' })

const recorded: readonly Recorded[] = JSON.parse(readFileSync(join(import.meta.dirname, 'go.json'), 'utf8'))

/** The data that the recorded answers are about. */
const data: Value = {
  fields: {
    Zone: 'example.org.',
    Name: 'ip-10-1-2-3.example.org.',
    Regex: 'r',
    Match: ['ip-10-1-2-3.example.org.', '10', '1', '2', '3'],
    Group: new Map(Object.entries({ '0': 'ip-10-1-2-3.example.org.', '1': '10', a: '10', b: 'ff' })),
    Class: 'IN',
    Type: 'A',
    Question: { fields: { Name: 'IP-10-1-2-3.example.org.', Qtype: 1, Qclass: 1 } },
    Remote: '10.0.0.9',
    Var: new Map<string, Value>([
      ['n', 7],
      ['s', 'x'],
      ['t', true],
    ]),
    Meta(args) {
      if (args.length !== 1) throw new ExecutionError('wrong number of args for Meta')
      return args[0] === 'a/b' ? 'v' : ''
    },
  },
}

function outcome(template: string): Omit<Recorded, 'template'> {
  try {
    const compiled = compileTemplate(template)
    try {
      return { text: compiled.execute(data) }
    } catch (error) {
      if (error instanceof ExecutionError) return { error: 'execute' }
      throw error
    }
  } catch (error) {
    if (error instanceof TemplateError) return { error: 'parse' }
    throw error
  }
}

describe('a template prints what Go prints', () => {
  for (const { template, ...expected } of recorded)
    it(`the template ${template} prints what Go prints`, () => assert.deepEqual(outcome(template), expected))
})

describe('an invalid template names the part that is invalid', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['{{ .Name', 'unclosed action', 2],
    ['x {{ nope }}', 'function "nope" is not defined', 5],
    ['{{ if .Name }}x', 'unexpected end of the template: {{if}} has no {{end}}', 0],
    ['{{ define "x" }}{{ end }}', 'slicedns does not support {{define}} in templates', 0],
    ['{{ $x }}', 'undefined variable $x', 3],
    ['{{ .Group.1 }}', 'unexpected ".1" after an operand', 9],
  ]
  for (const [template, message, offset] of cases)
    it(`the invalid template ${template} is refused by its invalid part`, () =>
      assert.throws(
        () => compileTemplate(template),
        (error: unknown) => {
          assert.ok(error instanceof TemplateError)
          assert.deepEqual([error.message, error.offset], [message, offset])
          return true
        },
      ))
})

describe('the execution of a template is bounded', () => {
  const costly = [
    '{{ range 1000000 }}x{{ end }}',
    '{{ range 200 }}{{ range 200 }}x{{ end }}{{ end }}',
    '{{ range 300 }}{{ printf "%999d" 1 }}{{ end }}',
    // Each step doubles the text of the step before. In Go memory is the only bound.
    `{{ "ab"${' | printf "%x"'.repeat(40)} | len }}`,
    `{{ $x := "ab" }}${'{{ $x = print $x $x }}'.repeat(40)}{{ len $x }}`,
  ]
  for (const template of costly)
    it(`the template ${template} ends with an error`, () =>
      assert.throws(() => compileTemplate(template).execute(data), ExecutionError))

  it('a template is bounded in depth', () =>
    assert.throws(() => compileTemplate(`{{ ${'('.repeat(5000)} }}`), /nested more than 50 deep/))
})

describe('the parser of templates', () => {
  it('the parser of templates reads or refuses any text, and never fails in another way', () => {
    const word = fc.constantFrom(
      ...['{{', '}}', '{{-', '-}}', ' ', '.', '.Name', '.Match', '$', '$x', ':=', '=', '|', '(', ')', ',', '"a"', '1'],
      ...['if', 'else', 'end', 'range', 'with', 'printf', 'index', 'len', 'and', 'break', '/*', '*/', "'", '`', '%'],
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(word, { maxLength: 16 }).map((words) => words.join('')),
          fc.string(),
        ),
        (source) => {
          outcome(source)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
