import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { dnssec } from '../../../src/plugins/dnssec/index.ts'
import { writeKeyFiles } from '../../support/dnssec-keys.ts'
import { specifySchema } from '../../support/schema-cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'dnssec-'))
after(() => rmSync(folder, { recursive: true }))
const { base } = writeKeyFiles(folder, 'Kexample.org', { zone: 'example.org.' })
const second = writeKeyFiles(folder, 'second', { zone: 'example.org.', role: 'zsk' }).base

specifySchema(dnssec, {
  accepted: [
    'dnssec',
    'dnssec {|}',
    'dnssec example.org example.net {|cache_capacity 100|}',
    `dnssec example.org {|key file ${base}|}`,
    `dnssec example.org {|key file ${base}.key|key file ${second}.private|cache_capacity 0|}`,
    `dnssec a.example.org {|key file ${base} ${second}|}`,
    'dnssec {|cache_capacity -1|}',
    'dnssec {|cache_capacity 100000000|}',
  ],
  refused: [
    ['dnssec {|}|dnssec {|}', /^Corefile:4:1 - .*dnssec/],
    ['dnssec {|key|}', /^Corefile:3:1 - Wrong argument count/],
    ['dnssec {|key file|}', /^Corefile:3:1 - Wrong argument count/],
    ['dnssec {|key directory /k|}', /^Corefile:3:5 - 'directory' is not a source of keys: write key file KEY/],
    [
      'dnssec {|key aws_secretsmanager k|}',
      /^Corefile:3:5 - keys in AWS Secrets Manager are not supported: .*key file/,
    ],
    ['dnssec {|key file /nonexistent|}', /^Corefile:3:10 - plugin\/dnssec: cannot read a key: .*\/nonexistent\.key/],
    [
      `dnssec example.net {|key file ${base}|}`,
      /^Corefile:3:10 - plugin\/dnssec: key example\.org\. \(keyid: \d+\) can not sign any of the zones example\.net\.$/,
    ],
    ['dnssec {|cache_capacity|}', /^Corefile:3:1 - Wrong argument count/],
    ['dnssec {|cache_capacity many|}', /^Corefile:3:16 - 'many' is not an integer/],
    ['dnssec {|cache_size 5|}', /^Corefile:3:1 - unknown property 'cache_size' of dnssec/],
  ],
})
