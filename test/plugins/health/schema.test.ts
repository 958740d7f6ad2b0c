import { health } from '../../../src/plugins/health/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(health, {
  accepted: [
    'health',
    'health :18080',
    'health {|}',
    'health [::1]:80 {|lameduck -5s|}',
    'health {|lameduck 1s|lameduck 0|}',
    'health :18080|health :18081',
  ],
  refused: [
    ['health :99999', /^Corefile:2:8 - ':99999' is not an address to listen on/],
    ['health localhost', /^Corefile:2:8 - 'localhost' is not an address to listen on/],
    ['health :1 x', /^Corefile:2:11 - Wrong argument count/],
    ['health {|lameduck 5|}', /^Corefile:3:10 - '5' is not a duration/],
    ['health {|lameduck 1s 2s|}', /^Corefile:3:13 - Wrong argument count/],
    ['health {|lame duck|}', /^Corefile:3:1 - unknown property 'lame'/],
  ],
})
