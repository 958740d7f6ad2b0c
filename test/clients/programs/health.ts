/** grpc.health.v1.Health/Check, written out: an empty request, and a reply whose only field says SERVING. */

const octets = (message: Buffer): Buffer => message

export const healthCheck = {
  path: '/grpc.health.v1.Health/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: octets,
  requestDeserialize: octets,
  responseSerialize: octets,
  responseDeserialize: octets,
} as const

export const serving = Buffer.from([0x08, 0x01])
