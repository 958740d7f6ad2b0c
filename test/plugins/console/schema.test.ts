import { console } from '../../../src/plugins/console/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(console, {
  accepted: ['console', 'console localhost:8053', 'console :8053', 'console [::1]:8053'],
  refused: [
    ['console 8053', /Corefile:2:9 - '8053' is not an address to listen on/],
    ['console :8053 :8054', /Corefile:2:15 - Wrong argument count/],
    ['console {|tls|}', /Corefile:\d+:\d+ - /],
    ['console|console', /console/],
  ],
})
