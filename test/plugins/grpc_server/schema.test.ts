import { grpcServer } from '../../../src/plugins/grpc_server/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(grpcServer, {
  accepted: ['grpc_server', 'grpc_server {|}', 'grpc_server {|max_connections 0|max_streams 50|}'],
  refused: [
    ['grpc_server x', /^Corefile:2:13 - Wrong argument count/],
    ['grpc_server {|max_streams -1|}', /^Corefile:3:13 - '-1' is not/],
    ['grpc_server {|max_streams|}', /^Corefile:3:1 - Wrong argument count/],
    [
      'grpc_server {|max_connections 1|max_connections 1|}',
      /^Corefile:4:1 - 'max_connections' of grpc_server can only/,
    ],
    ['grpc_server {|streams 1|}', /^Corefile:3:1 - unknown property 'streams' of grpc_server/],
  ],
})
