import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { sign } from '../../../src/plugins/sign/index.ts'
import { writeKeyFiles } from '../../support/dnssec-keys.ts'
import { specifySchema } from '../../support/schema-cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'sign-'))
after(() => rmSync(folder, { recursive: true }))
const { base } = writeKeyFiles(folder, 'ksk', { zone: 'example.org.' })
const zsk = writeKeyFiles(folder, 'zsk', { zone: 'example.org.', role: 'zsk' }).base

specifySchema(sign, {
  accepted: [
    `sign db {|key file ${base}|}`,
    `sign db example.org example.net {|key file ${base} ${base}.key|directory /tmp|}`,
    `sign db {|key file ${base}|}|sign other {|key file ${base}.private|}`,
  ],
  refused: [
    ['sign', /^Corefile:2:1 - Wrong argument count/],
    ['sign db', /^Corefile:2:1 - sign must have a key: write key file KEY/],
    ['sign db {|key file|}', /^Corefile:3:1 - Wrong argument count/],
    ['sign db {|key directory /k|}', /^Corefile:3:5 - 'directory' is not a source of keys: write key file KEY/],
    ['sign db {|key file /nonexistent|}', /^Corefile:3:10 - plugin\/sign: cannot read a key: .*\/nonexistent\.key/],
    [`sign db {|key file ${zsk}|}`, /^Corefile:3:10 - plugin\/sign: cannot read a key: .* is not a CSK\/KSK/],
    [`sign db {|key file ${base}|directory|}`, /^Corefile:4:1 - Wrong argument count/],
    [`sign db {|key file ${base}|directory a b|}`, /^Corefile:4:13 - Wrong argument count/],
    ['sign db {|keys x|}', /^Corefile:3:1 - unknown property 'keys' of sign/],
  ],
})
