/** One configuration of a plugin, compared whole. */
import { askBoth, type Result } from '../differential.ts'
import type { PluginConfiguration } from './configuration.ts'
import { type Around, startPluginPair } from './pair.ts'

export async function comparePlugin(configuration: PluginConfiguration, around: Around): Promise<Result> {
  const pair = await startPluginPair(configuration, around)
  try {
    return await askBoth(configuration.questions(), pair)
  } finally {
    await pair.stop()
  }
}
