/**
 * node run.js image/lay-out.ts FOLDER: the files of the image that do not come from a base image, for this platform, out of
 * dist/ and node_modules. For the Dockerfile, whose base image has the libraries, the users and the certificates.
 */
import { chmodSync, cpSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findRuntime } from '../src/runtime.js'
import { applicationFiles, compiledCode, loadedOfKoffi } from './application.ts'
import { readFolder, writeFiles } from './files.ts'
import { runtimePath } from './settings.ts'

const root = join(import.meta.dirname, '..')
const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: node run.js image/lay-out.ts FOLDER')

const packages = ['node_modules/koffi', ...globSync('node_modules/@koromix/koffi-*', { cwd: root })]
const files = packages.flatMap((path) => readFolder(join(root, path), path, loadedOfKoffi))
writeFiles(folder, [...applicationFiles(root, files), ...compiledCode(root)])

const runtime = findRuntime().file
cpSync(runtime, join(folder, runtimePath))
chmodSync(join(folder, runtimePath), 0o755)
cpSync(join(dirname(runtime), '../LICENSE'), join(folder, 'usr/share/doc/node/LICENSE'))
