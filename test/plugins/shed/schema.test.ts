import { shed } from '../../../src/plugins/shed/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(shed, {
  accepted: ['shed', 'shed {|}'],
  refused: [
    ['shed x', /^Corefile:2:6 - Wrong argument count/],
    ['shed {|depth 10|}', /^Corefile:3:1 - shed takes no options/],
    ['shed|shed', /^Corefile:3:1 - shed: this plugin can only be used once per Server Block/],
  ],
})
