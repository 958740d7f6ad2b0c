import { extendedErrorsPlugin } from '../../../src/plugins/extended_errors/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(extendedErrorsPlugin, {
  accepted: ['extended_errors off', 'extended_errors text 10.0.0.0/8 2001:db8::/32', 'extended_errors text 192.0.2.1'],
  refused: [
    ['extended_errors', /Corefile:2:1 - Wrong argument count/],
    ['extended_errors on', /Corefile:2:17 - 'on' is not/],
    ['extended_errors off 10.0.0.0/8', /Corefile:2:21 - unexpected '10\.0\.0\.0\/8' after 'off'/],
    ['extended_errors text', /Corefile:2:17 - 'text' must be followed by networks/],
    ['extended_errors text cluster', /Corefile:2:22 - 'cluster' is not/],
    ['extended_errors off|extended_errors off', /extended_errors/],
  ],
})
