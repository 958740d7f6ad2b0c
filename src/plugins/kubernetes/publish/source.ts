/** Connects the publisher to the cluster's change feed. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import type { Cluster } from '../../../k8s/model/cluster.ts'
import type { CompiledSource } from '../../../plugin/capabilities/compiled-source.ts'
import type { AnnotationValidator } from '../annotation-report/validator.ts'
import { createPublisher, type Publisher, type PublisherOptions } from './publisher.ts'
import type { SettlingTracker } from './settling.ts'

export interface ClusterSource extends CompiledSource {
  /** The chain answered this with records: the table may answer it from now on. */
  answered(zone: string, name: string, type: number): void
  /** Starts to follow the cluster; must precede `attach`. */
  start(cluster: Cluster, context: ClusterContext, followers?: Followers): void
  stop(): void
}

export interface Followers {
  /** Present with `adaptive_ttl`. */
  readonly settling?: Pick<SettlingTracker, 'subscribe'> | undefined
  readonly validator?: AnnotationValidator
}

export interface SourceOptions extends Omit<PublisherOptions, 'context' | 'validator'> {
  readonly zones: readonly string[]
}

export function createSource({ zones, ...options }: SourceOptions): ClusterSource {
  let publisher: Publisher | undefined
  let subscriptions: { unsubscribe(): void }[] = []
  return {
    zones,
    attach(sink) {
      if (!publisher) throw new Error('the kubernetes plugin must be started before its names are published')
      return publisher.attach(sink)
    },
    answered(zone, name, type) {
      publisher?.answered(zone, name, type)
    },
    start(cluster, context, { settling, validator } = {}) {
      publisher = createPublisher({ ...options, context, ...(validator && { validator }) })
      const following = cluster.subscribe('publishing', {
        service: publisher.serviceChanged,
        serviceImport: publisher.importChanged,
        namespace: publisher.namespaceChanged,
        address: publisher.addressChanged,
        sync: publisher.syncChanged,
      })
      subscriptions = settling ? [following, settling.subscribe(publisher.serviceChanged)] : [following]
    },
    stop() {
      for (const subscription of subscriptions) subscription.unsubscribe()
      publisher?.stop()
    },
  }
}
