/**
 * gRPC backends of a Service, one per address, each of which answers health checks. They start and stop by lines of
 * stdin, `start ADDRESS` and `stop ADDRESS`; each is confirmed by the same line. Arguments: the port, and the milliseconds
 * after which a connection is asked to leave (0: never).
 */
import { createInterface } from 'node:readline'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { healthCheck, serving } from './health.ts'

const [port, maxAge] = process.argv.slice(2).map(Number)
const servers = new Map<string, Server>()

function start(address: string): Promise<void> {
  const options = maxAge ? { 'grpc.max_connection_age_ms': maxAge, 'grpc.max_connection_age_grace_ms': 1000 } : {}
  const server = new Server(options)
  server.addService(
    { check: { ...healthCheck, originalName: 'check' } },
    { check: (_call: unknown, reply: (error: null, value: Buffer) => void) => reply(null, serving) },
  )
  servers.set(address, server)
  return new Promise((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
}

/** As a pod that is asked to end: no new connections, those that are there are told to go. */
async function stop(address: string): Promise<void> {
  const server = servers.get(address)
  servers.delete(address)
  await new Promise<void>((resolve) => server?.tryShutdown(() => resolve()))
}

for await (const line of createInterface(process.stdin)) {
  const [verb, address] = line.split(' ')
  await (verb === 'start' ? start(address!) : stop(address!))
  console.log(line)
}
process.exit(0)
