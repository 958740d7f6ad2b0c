/**
 * Loaded before the tests: property tests draw the same examples in every run, so that a red CI is about the change
 * that it ran. `FAST_CHECK_SEED=random npm test` looks for new ones; a number repeats a run.
 */
import { enableCompileCache } from 'node:module'

// Each file runs in a process of its own: what they share is compiled once, not 180 times.
enableCompileCache()

const { default: fc } = await import('fast-check')
const wanted = process.env.FAST_CHECK_SEED ?? '20261121'
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) })
