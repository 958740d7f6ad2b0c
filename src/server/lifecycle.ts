/** Starting and stopping the plugins of a configuration. */

import type { Instance } from '../plugin/contract.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Block } from './block.ts'

/** Starts all blocks' first plugins, then all blocks' second ones: the order in which configure() set them up. */
export async function startPlugins(blocks: readonly Block[]): Promise<void> {
  for (const { plugin, instance } of inChainOrder(blocks)) {
    try {
      await instance.start?.()
    } catch (error) {
      throw new Error(`plugin/${plugin}: ${errorMessage(error)}`, { cause: error })
    }
  }
}

function inChainOrder(blocks: readonly Block[]) {
  const links = blocks.flatMap((block) => block.plugins)
  const order = [...new Set(links.map(({ plugin }) => plugin))]
  return order.flatMap((plugin) => links.filter((link) => link.plugin === plugin))
}

/** Never rejects: a plugin that fails to stop is logged, and the others are still stopped. */
export async function stopInstances(instances: Iterable<Instance>, log: Logger): Promise<void> {
  for (const instance of instances) {
    try {
      await instance.stop?.()
    } catch (error) {
      log.error(`a plugin did not stop cleanly: ${errorMessage(error)}`)
    }
  }
}
