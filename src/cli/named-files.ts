/** What the server would report at its start about files named by settings. */
import { ConfigError, type Position } from '../corefile/schema.ts'
import type { FileReading, Plugin } from '../plugin/contract.ts'
import { systemClock } from '../scheduling/clock.ts'

export interface FileProblems {
  /** Why the server would not start. */
  readonly refused: ConfigError | undefined
  /** What it would log. */
  readonly logged: readonly string[]
}

/** `at`: the directive's position. `root`: the folder that the block's relative paths refer to. */
export function fileProblems<Settings>(
  plugin: Plugin<Settings>,
  settings: Settings,
  at: Position,
  root: string,
): FileProblems {
  const logged: string[] = []
  const note = (text: string) => void logged.push(`plugin/${plugin.name}: ${text}`)
  const ignored = () => undefined
  const log: FileReading['log'] = { debug: ignored, info: ignored, warning: note, error: note, plugin: () => log }
  const fail = (text: string, position = at): never => {
    throw new ConfigError(`plugin/${plugin.name}: ${text}`, position)
  }
  try {
    plugin.readFiles?.(settings, { log, fail, clock: systemClock, block: { root } })
    return { refused: undefined, logged }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { refused: error, logged }
  }
}
