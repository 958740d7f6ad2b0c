/**
 * node run.js ARGUMENTS: `node ARGUMENTS` on the pinned Node.js of node_modules, whatever Node.js (20 or later) this one is.
 * package.json's scripts go through it, for TypeScript runs as it is only on a recent one.
 */
import { become, findRuntime } from './src/runtime.js'

await become(findRuntime().file, process.argv.slice(2))
