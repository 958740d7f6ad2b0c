/**
 * The twin of ../go/main.go on grpc-js: calls without a pause and prints which backend answered, one line a call: its
 * address, or ! and the reason. `--service-config JSON`, `--min-resolution MILLISECONDS`, then the target.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client, credentials, status } from '@grpc/grpc-js'
import { healthCheck } from './health.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'service-config': { type: 'string' },
    'min-resolution': { type: 'string' },
    pause: { type: 'string', default: '10' },
  },
})
const config = values['service-config']
const least = values['min-resolution']
const client = new Client(positionals[0]!, credentials.createInsecure(), {
  ...(config === undefined ? {} : { 'grpc.service_config': config }),
  ...(least === undefined ? {} : { 'grpc.dns_min_time_between_resolutions_ms': Number(least) }),
})

function call(): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = healthCheck
  const deadline = Date.now() + 2000
  return new Promise((resolve) => {
    const made = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(0),
      { deadline },
      (error) => resolve(error ? `!${status[error.code]}` : made.getPeer()),
    )
  })
}

for (;;) {
  console.log(await call())
  await delay(Number(values.pause))
}
