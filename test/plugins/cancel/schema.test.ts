import { cancel } from '../../../src/plugins/cancel/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(cancel, {
  accepted: ['cancel', 'cancel 1s', 'cancel {|z|}', 'cancel|cancel 2s'],
  refused: [
    ['cancel 0', /^Corefile:2:8 - '0' is not a duration above zero/],
    ['cancel -1s', /^Corefile:2:8 - '-1s' is not/],
    ['cancel x', /^Corefile:2:8 - 'x' is not/],
    ['cancel 1s 2s', /^Corefile:2:11 - Wrong argument count/],
  ],
})
