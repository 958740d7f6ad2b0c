/** The corpus of each target holds: what fuzzing has found, and every way through the sources that it knows. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nameOf, readInputs } from './engine/corpus.ts'
import { execute } from './engine/execute.ts'
import { instrumentImports } from './engine/instrument.ts'
import { loadTarget, targetNames } from './targets.ts'

// Steps are counted here, too.
instrumentImports()

describe('the corpus', () => {
  for (const name of targetNames) {
    const folder = join(import.meta.dirname, 'corpus', name)
    it(`the corpus of ${name} holds, and each input takes the steps that its length allows`, async () => {
      const target = await loadTarget(name)
      const kept = readInputs(folder)
      assert.ok(kept.length > 0, `${folder} is empty`)
      for (const input of [...target.seeds, ...kept]) {
        const error = await execute(target, new Uint8Array(input))
        if (error) assert.fail(`${join(folder, nameOf(input))}: ${error.stack}`)
      }
    })
  }
})
