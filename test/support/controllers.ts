/**
 * What makes an API server a control plane: kube-controller-manager and kube-scheduler, and kwok, which plays the nodes and their
 * pods. Deployments, StatefulSets and Jobs roll, scale and end as in a cluster, and the EndpointSlices are the real controller's.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountKey, type ControlPlane } from './control-plane.ts'
import { startPeer } from './peer-program.ts'
import { until } from './until.ts'

export const controllerPrograms = ['kube-controller-manager', 'kube-scheduler'] as const

/** Those that rollouts need. */
const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'job-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'pod-garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'disruption-controller',
  'root-ca-certificate-publisher-controller',
]

export interface PodTimes {
  /** Milliseconds from scheduled to ready, from told to end to gone, and of a Job's pod from ready to done: at least and at most. */
  readonly ready: readonly [number, number]
  readonly gone: readonly [number, number]
  readonly done: readonly [number, number]
}

export interface ControllerOptions {
  /** For taskset. */
  readonly cores?: string
  /** kwok plays all nodes, with pods that take this long. Absent: whoever starts it plays them. */
  readonly pods?: PodTimes
}

export interface Controllers {
  /** Why one of them runs no longer; undefined while all run. */
  ended(): string | undefined
  stop(): Promise<void>
}

/** Garbage is collected earlier than Go would, because five of them run beside the tests. */
const env = { GOGC: '50', GOMEMLIMIT: '400MiB' }

export async function startControllers(plane: ControlPlane, options: ControllerOptions = {}): Promise<Controllers> {
  const kubeconfig = `--kubeconfig=${plane.kubeconfig(plane.adminToken)}`
  const run = (name: string, flags: readonly string[]) =>
    startPeer(name, [kubeconfig, ...flags], { folder: plane.folder, cores: options.cores, env })
  const programs = [
    run('kube-controller-manager', [
      '--leader-elect=false',
      '--secure-port=0',
      '--use-service-account-credentials=false',
      `--service-account-private-key-file=${join(plane.folder, accountKey)}`,
      `--root-ca-file=${plane.certificateAuthority}`,
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      `--controllers=${controllers.join(',')}`,
    ]),
    run('kube-scheduler', ['--leader-elect=false', '--secure-port=0', '--kube-api-qps=500', '--kube-api-burst=1000']),
  ]
  if (options.pods) {
    const stages = join(plane.folder, 'stages.json')
    writeFileSync(
      stages,
      stagesOf(options.pods)
        .map((stage) => JSON.stringify(stage))
        .join('\n---\n'),
    )
    programs.push(
      run('kwok', [`--config=${stages}`, '--manage-all-nodes=true', '--cidr=10.244.0.0/16', '--node-ip=10.0.0.1']),
    )
  }
  const ended = () => programs.map((program) => program.ended()).find((reason) => reason !== undefined)
  const stop = async () => void (await Promise.all(programs.map((program) => program.stop('SIGKILL'))))
  try {
    // The controller manager is at work when it has made the account that each namespace has.
    await until(() => plane.request('GET', '/api/v1/namespaces/default/serviceaccounts/default'), {
      within: 120_000,
      unless: ended,
    })
    return { ended, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A node, in the zone of its name's last letter. `addresses`: kube-proxy waits for them. */
export function nodeObject(name: string, addresses: readonly string[] = []): object {
  const size = { cpu: '64', memory: '256Gi', pods: '500' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/zone': `zone-${name.at(-1)}`,
      },
    },
    status: {
      allocatable: size,
      capacity: size,
      addresses: addresses.map((address) => ({ type: 'InternalIP', address })),
    },
  }
}

/** What kwok does to nodes and pods, and when, as its own stages (kustomize/stage in its module) without what nobody reads here. */
function stagesOf({ ready, gone, done }: PodTimes): object[] {
  const stage = (name: string, kind: string, when: readonly Expression[], next: object, delay?: readonly number[]) => ({
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind },
      selector: { matchExpressions: when },
      next,
      ...(delay && { delay: { durationMilliseconds: delay[0], jitterDurationMilliseconds: delay[1] } }),
    },
  })
  const running: Expression = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' }
  const phase = (value: string): Expression => ({ key: '.status.phase', operator: 'In', values: [value] })
  const readyCondition = '.status.conditions.[] | select( .type == "Ready" ) | .status'
  return [
    stage('node', 'Node', [{ key: readyCondition, operator: 'NotIn', values: ['True'] }], {
      statusTemplate:
        '{{ $now := Now }}\nphase: Running\nconditions:\n{{ range NodeConditions }}\n' +
        '- {type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, ' +
        'message: {{ .message | Quote }}, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}\n{{ end }}',
    }),
    stage('pod-ready', 'Pod', [running, phase('Pending')], { statusTemplate: readyStatus }, ready),
    stage(
      'pod-complete',
      'Pod',
      [running, phase('Running'), { key: '.metadata.ownerReferences.[].kind', operator: 'In', values: ['Job'] }],
      { statusTemplate: 'phase: Succeeded\nconditions: [{type: Ready, status: "False"}]' },
      done,
    ),
    stage('pod-delete', 'Pod', [{ ...running, operator: 'Exists' }], { delete: true }, gone),
  ]
}

interface Expression {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values?: readonly string[]
}

const readyStatus = `{{ $now := Now }}
{{ $addresses := PodIPsWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
hostIP: 10.0.0.1
podIP: {{ index $addresses 0 | Quote }}
podIPs: [{{ range $addresses }}{ip: {{ . | Quote }}}{{ end }}]
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}}
{{ end }}
`
