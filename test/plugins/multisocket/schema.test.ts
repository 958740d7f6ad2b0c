import { multisocket } from '../../../src/plugins/multisocket/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(multisocket, {
  accepted: ['multisocket', 'multisocket 1', 'multisocket 1024'],
  refused: [
    ['multisocket 0', /^Corefile:2:13 - '0' is not an integer from 1 to 1024/],
    ['multisocket 1025', /^Corefile:2:13 - '1025' is not/],
    ['multisocket x', /^Corefile:2:13 - 'x' is not/],
    ['multisocket 1 2', /^Corefile:2:15 - Wrong argument count/],
    ['multisocket {|}', /^Corefile:2:13 - multisocket takes no block/],
    ['multisocket|multisocket', /once per Server Block/],
  ],
})
