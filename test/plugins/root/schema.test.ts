import { root } from '../../../src/plugins/root/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(root, {
  accepted: ['root /tmp', 'root nosuchdir', 'root /tmp|root /var'],
  refused: [
    ['root', /^Corefile:2:1 - Wrong argument count/],
    ['root a b', /^Corefile:2:8 - Wrong argument count/],
    ['root a {|}', /^Corefile:2:8 - root takes no block/],
  ],
})
