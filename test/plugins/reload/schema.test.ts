import { reload } from '../../../src/plugins/reload/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(reload, {
  accepted: [
    'reload',
    'reload 2s',
    'reload 10s 0',
    'reload 10s 1s',
    'reload 10s 20s',
    'reload {|x y|}',
    'reload|reload 5s',
  ],
  refused: [
    ['reload 1s', /^Corefile:2:8 - '1s' is not a duration .* of at least 2s/],
    ['reload 0', /^Corefile:2:8 - '0' is not a duration/],
    ['reload 10', /^Corefile:2:8 - '10' is not a duration/],
    ['reload 10s 500ms', /^Corefile:2:12 - '500ms' is not 0 or a duration of at least 1s/],
    ['reload 10s 1s x', /^Corefile:2:15 - Wrong argument count/],
  ],
})
