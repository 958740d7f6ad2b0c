/** `dist/udp-worker.js`: the entry point of a UDP thread, which loads its code through the compile cache. */
import { useCompileCache } from './compile-cache.ts'

useCompileCache(import.meta.url)
// The name is computed so that the bundler leaves it alone, as in launch.ts.
await import(new URL('./udp-thread.js', import.meta.url).href)
