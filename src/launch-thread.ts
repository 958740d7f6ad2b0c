/** `dist/udp-worker.js`: what a UDP thread starts with, so that its code comes out of the compile cache. */
import { useCompileCache } from './compile-cache.ts'

useCompileCache(import.meta.url)
// The name is put together so that the bundler leaves it alone, as in launch.ts.
await import(new URL('./udp-thread.js', import.meta.url).href)
