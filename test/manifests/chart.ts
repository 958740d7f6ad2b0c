/** The Helm chart as the tests render it. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer } from '../support/peers.ts'
import { folder, type KubernetesObject, objectsOf } from './objects.ts'

export const chart = join(folder, 'chart')

/** Values as people have them for CoreDNS's chart, with what they set most. */
const valuesFolder = join(import.meta.dirname, 'values')
export const valuesFiles: readonly string[] = readdirSync(valuesFolder)
export const valuesFile = (name: string): string => join(valuesFolder, name)

/** Rejects with what helm says. */
export async function helm(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(peer('helm')!, args)
  return stdout
}

/** The objects of a release in kube-system. */
export async function rendered(release: string, ...args: string[]): Promise<KubernetesObject[]> {
  return objectsOf(await helm('template', release, chart, '--namespace', 'kube-system', ...args)).filter(Boolean)
}

export const of = (objects: readonly KubernetesObject[], kind: string): KubernetesObject[] =>
  objects.filter((object) => object.kind === kind)
