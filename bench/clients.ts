/**
 * Claim: gRPC clients with round_robin use all pods of a headless Service that was scaled from three to six within 45 s,
 * where the server ends connections after 10 s; grpc-js and grpc-go with the 30 s between lookups that are their own.
 */
import { clientKinds, createDiscoveryHarness, roundRobin, withoutClients } from '../test/clients/harness.ts'
import type { Context } from './lib/context.ts'
import { table } from './lib/numbers.ts'

const maxConnectionAge = 10_000
const rounds = 3
/** Milliseconds after which a client is told to have failed. */
const patience = 90_000
const [three, six] = [
  [1, 2, 3],
  [1, 2, 3, 4, 5, 6],
]

export async function run({ print }: Context): Promise<void> {
  const missing = withoutClients()
  if (missing) throw new Error(missing)
  const took = new Map<string, number[]>(clientKinds.map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [kind, seconds] of await scale()) took.get(kind)!.push(seconds)
  }
  print(`seconds from the slice of six to all six in use; connections end after ${maxConnectionAge / 1000} s`)
  print(
    table(
      ['client', 'each round', 'longest'],
      [...took].map(([kind, all]) => row(kind, all)),
    ),
  )
}

const row = (kind: string, seconds: readonly number[]): string[] => [
  kind,
  seconds.map((each) => each.toFixed(1)).join(' '),
  Math.max(...seconds).toFixed(1),
]

async function scale(): Promise<readonly (readonly [string, number])[]> {
  const world = await createDiscoveryHarness({ maxConnectionAge })
  try {
    await world.run(three)
    await world.publish(three)
    const clients = clientKinds.map((kind) => ({ kind, client: world.client(kind, { serviceConfig: roundRobin }) }))
    await Promise.all(clients.map(({ client }) => client.uses(three)))
    await world.run(six)
    await world.publish(six)
    const begin = performance.now()
    return await Promise.all(
      clients.map(async ({ kind, client }) => {
        await client.uses(six, patience)
        return [kind, (performance.now() - begin) / 1000] as const
      }),
    )
  } finally {
    await world.stop()
  }
}
