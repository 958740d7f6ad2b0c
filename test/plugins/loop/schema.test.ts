import { loop } from '../../../src/plugins/loop/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(loop, {
  accepted: ['loop'],
  refused: [
    ['loop x', /^Corefile:2:6 - Wrong argument count/],
    ['loop {|}', /^Corefile:2:6 - loop takes no block/],
    ['loop|loop', /can only be used once per Server Block/],
  ],
})
