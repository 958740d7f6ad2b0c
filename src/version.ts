import { readFileSync } from 'node:fs'

/** The package's version. package.json lies one folder above this file, in a checkout and beside dist/ alike. */
export const version: string = (() => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const found = (manifest as { version?: unknown }).version
  return typeof found === 'string' ? found : 'unknown'
})()
