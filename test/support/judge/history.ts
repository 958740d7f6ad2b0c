/**
 * What the API server has said about the endpoints of each Service, in the order in which it said it: a watch of EndpointSlices of
 * its own, in JSON, that shares nothing with the server under test.
 */
import type { ApiObject, Watch, WatchEvent } from '../api-client.ts'

interface Api {
  request(method: string, path: string): Promise<ApiObject>
  watch(path: string): Promise<Watch>
}

/** A ready endpoint. */
export interface Ready {
  readonly address: string
  readonly hostname: string | undefined
}

/** From `at` (performance.now) on these were the ready endpoints of a Service. */
export interface State {
  readonly at: number
  readonly ready: readonly Ready[]
}

export interface History {
  /** From the first one that was seen to what is now; none: the Service never had a slice. */
  states(service: string): readonly State[]
  now(service: string): readonly Ready[]
  close(): void
}

export async function watchHistory(api: Api, namespace: string): Promise<History> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
  const histories = new Map<string, State[]>()
  const slices = new Map<string, ApiObject>()
  const take = ({ type, object }: Pick<WatchEvent, 'type' | 'object'>): void => {
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return
    const { name, labels } = object.metadata
    const service = labels['kubernetes.io/service-name'] as string
    if (type === 'DELETED') slices.delete(name)
    else slices.set(name, object)
    const states = histories.get(service) ?? []
    histories.set(service, states)
    states.push({ at: performance.now(), ready: readyOf(service, slices.values()) })
  }
  const { items, metadata } = await api.request('GET', path)
  for (const object of items) take({ type: 'ADDED', object })
  const watch = await api.watch(`${path}?resourceVersion=${metadata.resourceVersion}`)
  watch.each(take)
  return {
    states: (service) => histories.get(service) ?? [],
    now: (service) => histories.get(service)?.at(-1)?.ready ?? [],
    close: watch.close,
  }
}

function readyOf(service: string, slices: Iterable<ApiObject>): Ready[] {
  return [...slices]
    .filter(({ metadata }) => metadata.labels['kubernetes.io/service-name'] === service)
    .flatMap(({ endpoints }) => (endpoints ?? []) as ApiObject[])
    .filter(({ conditions }) => conditions.ready)
    .flatMap(({ addresses, hostname }) => (addresses as string[]).map((address) => ({ address, hostname })))
}
