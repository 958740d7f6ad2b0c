import { whoami } from '../../../src/plugins/whoami/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(whoami, {
  accepted: ['whoami', 'whoami|whoami'],
  refused: [
    ['whoami x', /^Corefile:2:8 - Wrong argument count/],
    ['whoami {|}', /^Corefile:2:8 - whoami takes no block/],
  ],
})
