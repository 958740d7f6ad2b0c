/**
 * Checks the files that lead to the cluster. Without them the server starts and retries; until then, names of the
 * cluster get SERVFAIL.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { FileReading } from '../../plugin/contract.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { KubernetesSettings } from './settings.ts'

export function readNamedFiles({ source }: KubernetesSettings, { block, log }: FileReading): void {
  const check = (path: string, read: (path: string) => unknown): void => {
    try {
      read(path)
    } catch (error) {
      log.error(`cannot read ${path}: ${errorMessage(error)} (retrying until it works)`)
    }
  }
  if (source.kind === 'kubeconfig') check(source.file, readRegularFile)
  if (source.kind === 'manifests') check(resolve(block.root, source.directory), statSync)
  if (source.kind !== 'endpoint' || source.tls === undefined) return
  for (const path of [source.tls.cert, source.tls.key, source.tls.ca]) check(path, readRegularFile)
}
