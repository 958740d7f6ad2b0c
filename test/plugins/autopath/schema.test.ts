import { autopath } from '../../../src/plugins/autopath/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(autopath, {
  accepted: [
    'autopath @kubernetes',
    'autopath @nosuch',
    'autopath @',
    'autopath a.example @kubernetes',
    'autopath /dev/null',
    'autopath /dev/null @kubernetes',
    'autopath @kubernetes|autopath /dev/null',
  ],
  refused: [
    ['autopath', /^Corefile:2:1 - autopath needs a file like resolv.conf, or @kubernetes/],
    ['autopath {|}', /^Corefile:2:10 - autopath takes no block/],
    [
      'autopath nosuchfile',
      /^Corefile:2:1 - plugin\/autopath: cannot read .*nosuchfile: .*: no such file or directory/,
    ],
    ['autopath /dev/null {|}', /^Corefile:2:20 - autopath takes no block/],
  ],
})
