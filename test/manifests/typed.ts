/** What a page shows, in a cluster that has an API server and nothing else: no pod runs in it. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { blocksIn, read, root, scriptsIn } from '../guides/pages.ts'
import { peer } from '../support/peers.ts'
import { builtServer, runtime } from '../support/server.ts'
import type { KubernetesObject } from './objects.ts'

/**
 * What a page's shell has: `kubectl exec` runs its command beside the server of the test, a rollout is looked at and not waited for,
 * a release of CoreDNS's chart that is to be upgraded is not there and is installed, where no other object has its names; what is
 * beyond a cluster (images, clients, folders of a node) is left out.
 */
const prelude = `
slicedns() {
  case "$1" in
    status | explain) "$RUNTIME" "$BUILT" "$@" --pid "$SERVER" ;;
    top) "$RUNTIME" "$BUILT" "$@" --pid "$SERVER" --count 1 ;;
    *) "$RUNTIME" "$BUILT" "$@" ;;
  esac
}
kubectl() {
  case " $* " in
    *' exec '*) command kubectl -n kube-system get "$4" > /dev/null; while [ "$1" != -- ]; do shift; done; shift; "$@" ;;
    *' port-forward '*) command kubectl -n kube-system get "$4" ;;
    *' rollout status '*) command kubectl "$@" --watch=false ;;
    *) command kubectl "$@" ;;
  esac
}
helm() {
  if [ "$1" = upgrade ]; then command helm "\${@/kube-system/default}" --install; else command helm "$@"; fi
}
kustomize() { :; }
dig() { :; }
install() { :; }
`

export interface TypedAt {
  readonly kubeconfig: string
  /** The process that answers `slicedns status` in the place of a pod's. */
  readonly server: number
}

/** Runs the blocks of docs/PAGE.md one after the other; gives what they print, rejects when one fails. */
export const typePage = (page: string, at: TypedAt): Promise<string> =>
  type(scriptsIn(read(`docs/${page}.md`)).join('\n'), at)

/** Rejects with what went wrong when the script fails. */
export async function type(typed: string, { kubeconfig, server }: TypedAt): Promise<string> {
  const path = [dirname(peer('kubectl')!), dirname(peer('helm')!), process.env.PATH].join(':')
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    PATH: path,
    RUNTIME: runtime,
    BUILT: builtServer,
    SERVER: String(server),
  }
  const script = `${prelude}\n${typed}`
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: root,
    env,
    timeout: 120_000,
  })
  return stdout
}

/**
 * The YAML of docs/PAGE.md: what is of a pod goes to the API server's dry run, what is of a kustomization is built. Gives the kinds
 * that it has met.
 */
export async function tryYaml(page: string, at: TypedAt): Promise<string[]> {
  const blocks = blocksIn(read(`docs/${page}.md`)).filter(({ language }) => language === 'yaml')
  const kinds: string[] = []
  for (const { text } of blocks) {
    const value = parse(text)
    if ('spec' in value) kinds.push(await tryPod(value.spec, at))
    else if ('resources' in value) kinds.push(await tryKustomization(text, at))
    else kinds.push(Object.keys(value).join())
  }
  return kinds
}

async function tryPod({ containers = [{ name: 'any' }], ...spec }: KubernetesObject, at: TypedAt): Promise<string> {
  const images = containers.map((container: KubernetesObject) => ({ image: 'any', ...container }))
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shown' }, spec: { ...spec, containers: images } }
  await type(`kubectl apply --dry-run=server --validate=strict -f - <<'POD'\n${stringify(pod)}\nPOD`, at)
  return 'Pod'
}

async function tryKustomization(text: string, at: TypedAt): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-kustomization-'))
  try {
    cpSync(join(root, 'manifests'), join(folder, 'manifests'), { recursive: true })
    writeFileSync(join(folder, 'kustomization.yaml'), text)
    await type(`kubectl apply --dry-run=server -k ${folder}`, at)
    return 'Kustomization'
  } finally {
    rmSync(folder, { recursive: true })
  }
}
