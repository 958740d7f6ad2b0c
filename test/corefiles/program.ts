/**
 * What runs inside the namespaces: `node program.ts answers|tour|pairs [NAME…]`,
 * by default for every Corefile whose plugins are built. Prints a line of JSON for each Corefile
 * that was compared (Compared), or for each reload (Reloaded).
 */
import { compareAnswers } from './answers.ts'
import { servedNames } from './files.ts'
import { reloadThrough, type Served, servedFromStart, servedOnTour } from './reloads.ts'
import { everyPair, shortTour } from './tour.ts'
import { createWorld } from './world.ts'

const [what, ...given] = process.argv.slice(2)
const print = (result: object): void => void process.stdout.write(`${JSON.stringify(result)}\n`)

const world = await createWorld()
const names = given.length > 0 ? given : servedNames()
if (what === 'answers') for (const name of names) print(await compareAnswers(world, name))
if (what === 'tour') {
  const served = await servedOnTour(world, names)
  for await (const reloaded of reloadThrough(world, shortTour(names), served)) print(reloaded)
}
if (what === 'pairs') {
  const served = new Map<string, Served>()
  for (const name of names) served.set(name, await servedFromStart(world, name))
  for await (const reloaded of reloadThrough(world, everyPair(names), served)) print(reloaded)
}
// The namespaces, and all that runs in them, end with this process.
process.exit(0)
