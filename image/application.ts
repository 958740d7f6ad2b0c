/**
 * What of an image is ours: the server as the build has made it, koffi with its native library, and the command.
 * The image of the Dockerfile has the same files (image/lay-out.ts).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ImageFile, readFolder } from './files.ts'
import { runtimePath } from './settings.ts'

/** Of a package only what is loaded: no C++ sources, no documents, no library for another C library. */
export const loadedOfKoffi = (path: string): boolean =>
  /(\.c?js|(^|\/)package\.json|(^|\/)LICENSE[^/]*|(^|\/)linux_\w+\/koffi\.node)$/.test(path) &&
  !/^(cnoke|vendor)\b/.test(path)

const compileCache = 'slicedns/dist/compile-cache/'

/**
 * `root`: the project, built. `packages`: the files of koffi and of its native package, below `node_modules`.
 * Without the compiled code, which is for one processor (`compiledCode`).
 */
export function applicationFiles(root: string, packages: readonly ImageFile[]): ImageFile[] {
  const command = 'slicedns/dist/slicedns.js'
  const files = [
    ...['package.json', 'LICENSE'].map((name): ImageFile => {
      return { path: `slicedns/${name}`, type: 'file', content: readFileSync(join(root, name)) }
    }),
    ...readFolder(join(root, 'dist'), 'slicedns/dist'),
    ...packages.map((file) => ({ ...file, path: join('slicedns', file.path) })),
  ].filter(({ path }) => !path.startsWith(compileCache))
  return [
    ...files.map((file) => (file.path === command && file.type === 'file' ? startedByRuntime(file) : file)),
    // For `kubectl exec … -- slicedns explain NAME`.
    { path: 'usr/local/bin/slicedns', type: 'symlink', target: `/${command}` },
  ]
}

/** What V8 has compiled dist/ to: src/compile-cache.ts. */
export function compiledCode(root: string): ImageFile[] {
  return readFolder(join(root, 'dist'), 'slicedns/dist').filter(({ path }) => path.startsWith(compileCache))
}

/** The image has no `env`, which the command's first line asks for elsewhere. */
function startedByRuntime<File extends ImageFile & { type: 'file' }>(file: File): File {
  const text = Buffer.from(file.content).toString()
  const shebang = '#!/usr/bin/env node\n'
  if (!text.startsWith(shebang)) throw new Error(`${file.path} must start with ${JSON.stringify(shebang)}`)
  return { ...file, content: Buffer.from(`#!/${runtimePath}\n${text.slice(shebang.length)}`), executable: true }
}
