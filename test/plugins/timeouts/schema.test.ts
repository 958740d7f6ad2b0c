import { timeouts } from '../../../src/plugins/timeouts/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(timeouts, {
  accepted: [
    'timeouts {|read 1s|}',
    'timeouts {|read 24h|write 30|idle +5|maxtcpqueries -1|}',
    'timeouts {|read 1s|read 2s|}',
    'timeouts {|maxtcpqueries 1|}|timeouts {|idle 5s|}',
  ],
  refused: [
    ['timeouts', /^Corefile:2:1 - timeouts needs at least one of read, write, idle and maxtcpqueries/],
    ['timeouts {|}', /^Corefile:2:1 - timeouts needs at least one of/],
    ['timeouts 5s', /^Corefile:2:10 - Wrong argument count/],
    ['timeouts {|read 999ms|}', /^Corefile:3:6 - '999ms' is not a duration from 1s to 24h, or a number of seconds/],
    ['timeouts {|idle 24h1ms|}', /^Corefile:3:6 - '24h1ms' is not a duration/],
    ['timeouts {|write 0|}', /^Corefile:3:7 - '0' is not a duration/],
    ['timeouts {|read -5|}', /^Corefile:3:6 - '-5' is not a duration/],
    ['timeouts {|read 1.5|}', /^Corefile:3:6 - '1.5' is not a duration/],
    ['timeouts {|read|}', /^Corefile:3:1 - Wrong argument count/],
    ['timeouts {|read 1s 2s|}', /^Corefile:3:9 - Wrong argument count/],
    ['timeouts {|maxtcpqueries 0|}', /^Corefile:3:15 - '0' is not -1 \(no limit\) or an integer of at least 1/],
    ['timeouts {|maxtcpqueries -2|}', /^Corefile:3:15 - '-2' is not -1/],
    ['timeouts {|maxtcpqueries 5s|}', /^Corefile:3:15 - '5s' is not -1/],
    ['timeouts {|raed 5s|}', /^Corefile:3:1 - unknown property 'raed' of timeouts.*read/],
  ],
})
