/** Templates of records: a text is a template or an error with its place; what it prints is bounded, and a record or an error. */
import assert from 'node:assert/strict'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { makeRecord, RecordError } from '../../../src/plugins/template/records.ts'
import {
  compileTemplate,
  ExecutionError,
  type Struct,
  type Template,
  TemplateError,
  type Value,
} from '../../../src/text-template/index.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const data: Struct = {
  fields: {
    Zone: 'example.org.',
    Name: 'ip-10-1-2-3.example.org.',
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
      ['f', 1.5],
    ]),
    Meta(args) {
      if (args.length !== 1) throw new ExecutionError('wrong number of args for Meta')
      return args[0] === 'a/b' ? 'v' : ''
    },
  },
}

const seeds = [
  '{{ .Name }} 60 IN A {{ .Group.a }}.{{ index .Match 2 }}.2.3',
  '{{- if and (eq .Type "A") (not .Var.t) -}} x {{ else if .Var.n }} y {{ else }} z {{ end -}}',
  '{{ range $i, $e := .Match }}{{ if gt $i 2 }}{{ break }}{{ end }}{{ $e | printf "%s-%d-%q-%x-%05v" "a" 3 "b" 255 }}{{ end }}',
  '{{ with $x := .Group }}{{ $x.b }}{{ $x = 5 }}{{ else }}none{{ end }}{{/* comment */}}{{ len .Match }} {{ slice .Name 1 3 }}',
  '{{ .Name }} 3600 IN CNAME {{ index .Group "1" }}.{{ .Zone }}',
  '{{ html .Name }}{{ js "<a>" }}{{ urlquery .Name }}{{ print 1 2 "a" }}{{ println .Var }}{{ call .Meta "a/b" }}{{ .Meta "a/b" }}',
  '{{ parseInt "ff" 16 8 }}{{ .Question.Qtype }}{{ or .Var.q 1 }}{{ 0x1f }}{{ 1e3 }}{{ \'a\' }}{{ nil }}{{ `raw` }}{{ range 3 }}{{ . }}{{ continue }}{{ end }}',
]

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    '{{',
    '}}',
    '{{- ',
    ' -}}',
    '{{ end }}',
    '{{ else }}',
    '{{ if ',
    '{{ range ',
    '{{ with ',
    '.Group.a',
    '.Match',
    '.Var.n',
    '.Meta',
    '$x',
    ':=',
    '=',
    '|',
    '(',
    ')',
    '"%v"',
    '%-5.3s',
    '%[2]d',
    '%*d',
    '%#x',
    '%+q',
    '%e',
    '%t',
    '%%',
    '%!',
    '1e308',
    '-1',
    '0x7fffffffffffffff',
    '`',
    "'a'",
    '/*',
    '*/',
    'index',
    'slice',
    'len',
    'printf',
    'parseInt',
    '__proto__',
    'constructor',
    'fields',
    'toString',
  ],
  maxOctets: 1500,
  maxSteps: (octets) => 1_500_000 + 1_000 * octets,
  check(input) {
    const text = decoder.decode(input)
    let template: Template
    try {
      template = compileTemplate(text)
    } catch (error) {
      assert.ok(error instanceof TemplateError, String(error))
      assert.ok(error.offset >= 0 && error.offset <= text.length, `offset ${error.offset} of ${text.length}`)
      assert.ok(error.message.length < text.length + 400)
      return
    }
    const printed = print(template)
    assert.deepEqual(print(template), printed, 'the same data give the same text')
    if (typeof printed !== 'string') return
    assert.ok(printed.length <= 65_536)
    if (template.constant) assert.equal(template.execute({ fields: {} }), printed)
    if (!text.includes('{{')) assert.equal(printed, text)
    try {
      const record = makeRecord(template, data)
      if (record.class === 1) assert.deepEqual(parseRecord(recordText(record)), record)
    } catch (error) {
      assert.ok(error instanceof RecordError, String(error))
    }
  },
}

function print(template: Template): string | { readonly failed: string } {
  try {
    return template.execute(data)
  } catch (error) {
    assert.ok(error instanceof ExecutionError, String(error))
    return { failed: error.message }
  }
}
