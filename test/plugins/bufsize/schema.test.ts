import { bufsize } from '../../../src/plugins/bufsize/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(bufsize, {
  accepted: ['bufsize', 'bufsize 512', 'bufsize 4096', 'bufsize {|x|}', 'bufsize|bufsize 600'],
  refused: [
    ['bufsize 511', /^Corefile:2:9 - '511' is not an integer from 512 to 4096/],
    ['bufsize 4097', /^Corefile:2:9 - '4097' is not/],
    ['bufsize a', /^Corefile:2:9 - 'a' is not/],
    ['bufsize 512 1024', /^Corefile:2:13 - Wrong argument count/],
  ],
})
