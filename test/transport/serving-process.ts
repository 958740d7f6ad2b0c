/** A process that serves, has answered a query of each kind, and then ends in the way its argument says. */
import { freePort } from '../support/ports.ts'
import { askUdp, frame, query, tcpClient, withTransport } from './support.ts'

const [ending, udp] = process.argv.slice(2) as [string, 'auto' | 'dgram']

await withTransport({ udp }, async ({ transport, port, listener }) => {
  await transport.apply([listener({ shards: 2 }), listener({ port: await freePort() })])
  await askUdp('127.0.0.1', port, 'table')
  const client = await tcpClient('127.0.0.1', port)
  client.write(frame(query('table')))
  await client.next()
  client.close()
  process.stdout.write('answered\n')
  if (ending === 'exit') process.exit(7)
  if (ending === 'throw') throw new Error('nobody catches this')
})
