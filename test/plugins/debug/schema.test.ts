import { debug } from '../../../src/plugins/debug/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(debug, {
  accepted: ['debug', 'debug|debug'],
  refused: [
    ['debug x', /^Corefile:2:7 - Wrong argument count/],
    ['debug {|}', /^Corefile:2:7 - debug takes no block/],
  ],
})
