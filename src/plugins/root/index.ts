import { statSync } from 'node:fs'
import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { rootFolder } from '../../plugin/capabilities/root-folder.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Plugin } from '../../plugin/contract.ts'
import { errorMessage } from '../../telemetry/error-text.ts'

const schema: DirectiveSchema<string> = {
  usage: 'root PATH',
  repeat: 'many',
  read({ occurrences }) {
    let folder = ''
    for (const directive of occurrences) {
      argCount(directive, 1, 1)
      noBody(directive)
      folder = directive.args[0].text
    }
    return folder
  },
}

/** Sets the base folder of relative paths in the block. */
export const root: Plugin<string> = {
  name: 'root',
  schema,
  readFiles: checkFolder,
  setup(folder, setup) {
    checkFolder(folder, setup)
    return { provides: [provide(rootFolder, folder)] }
  },
}

function checkFolder(folder: string, { fail, log }: Pick<FileReading, 'fail' | 'log'>): void {
  try {
    if (!isFolder(folder)) log.warning(`Root path does not exist or is not a folder: ${folder}`)
  } catch (error) {
    fail(`cannot access the root path: ${errorMessage(error)}`)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
