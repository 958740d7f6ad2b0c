/**
 * Imported by a file of tests that takes the whole machine, or counts what a busy one loses: it runs while no other file of
 * `npm test` does.
 */
import { takeAll } from './turns.ts'

await takeAll()
