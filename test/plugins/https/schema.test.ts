import { https } from '../../../src/plugins/https/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(https, {
  accepted: [
    'https',
    'https {|}',
    'https {|max_connections 0|max_streams 4294967295|}',
    'https {|max_streams +5|}',
    'https {|max_streams 5|}|https {|max_streams 6|}',
  ],
  refused: [
    ['https x', /^Corefile:2:7 - Wrong argument count/],
    ['https {|max_connections|}', /^Corefile:3:1 - Wrong argument count/],
    ['https {|max_connections -1|}', /^Corefile:3:17 - '-1' is not/],
    ['https {|max_connections abc|}', /^Corefile:3:17 - 'abc' is not/],
    ['https {|max_streams 4294967296|}', /^Corefile:3:13 - '4294967296' is not/],
    ['https {|max_streams 1|max_streams 1|}', /^Corefile:4:1 - 'max_streams' of https can only be given once/],
    ['https {|max_stream 1|}', /^Corefile:3:1 - unknown property 'max_stream' of https: did you mean 'max_streams'/],
  ],
})
