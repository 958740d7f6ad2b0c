/** What `kubectl apply -k manifests/` sends: the objects of manifests/base and manifests/beside, without the suffix of their names. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

export const folder = join(import.meta.dirname, '../../manifests')

/** A Kubernetes object as YAML has it; tests reach into it by path. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the API server's dry run checks
export type KubernetesObject = Record<string, any>

export const kustomization: {
  readonly namespace: string
  readonly resources: readonly string[]
  readonly images: readonly { readonly name: string; readonly newTag: string }[]
} = parse(readFileSync(join(folder, 'base/kustomization.yaml'), 'utf8'))

const files = [
  ...kustomization.resources.map((file) => `base/${file}`),
  'beside/service.yaml',
  'beside/poddisruptionbudget.yaml',
]

export const objects: readonly KubernetesObject[] = files.flatMap((file) =>
  objectsOf(readFileSync(join(folder, file), 'utf8')),
)

/** The objects of a file of YAML, or of what kustomize prints. */
export function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject)
}

export function object(kind: string): KubernetesObject {
  const found = objects.filter((candidate) => candidate.kind === kind)
  if (found.length !== 1) throw new Error(`manifests/ has ${found.length} objects of kind ${kind}`)
  return found[0]!
}

/** The Corefile of the ConfigMap. */
export const corefile: string = object('ConfigMap').data.Corefile

/** The same with listeners on these ports and this upstream, and with `options` added to its kubernetes block. */
export function movedCorefile(
  ports: { dns: number; health: number; ready: number; metrics: number },
  upstream: string,
  options: readonly string[],
): string {
  const moves: readonly [string, string][] = [
    ['.:53 {', `.:${ports.dns} {`],
    ['    health {', `    health :${ports.health} {`],
    ['    ready\n', `    ready :${ports.ready}\n`],
    ['prometheus :9153', `prometheus :${ports.metrics}`],
    ['forward . /etc/resolv.conf', `forward . ${upstream}`],
    // Servers of one machine would share it.
    ['        snapshot /var/lib/slicedns/snapshot\n', ''],
    ['        pods insecure\n', `        pods insecure\n${options.map((line) => `        ${line}\n`).join('')}`],
  ]
  return moves.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`manifests' Corefile has no ${JSON.stringify(from)} any more`)
    return text.replace(from, to)
  }, corefile)
}
