/**
 * The changes of a cluster, delivered in phases. Each event reaches every subscriber of one phase before any of the
 * next, whatever the order in which they subscribed:
 *
 *   indexes      what answers are computed from besides the model itself (aliases, browsing, settling)
 *   heldQueries  queries that wait for this change: they are answered first
 *   publishing   the answer table, and whatever else repeats answers
 *   observers    everybody else: NOTIFY, an endpoint stream, statistics
 *
 * Subscribing is one synchronous step: `snapshot` sees the state, and every change after that state is an event. An
 * event names what changed, not how: read the view for what it is now.
 */
import type { ClusterView } from './types.ts'

export const phases = ['indexes', 'heldQueries', 'publishing', 'observers'] as const

export type Phase = (typeof phases)[number]

/** Called synchronously after the model changed. Subscribers mark and return: they do no work in these calls. */
export interface EventSubscriber {
  /** Called once, before `subscribe` returns: the state that the events build on. */
  snapshot?(view: ClusterView): void
  /** The Service or any of its EndpointSlices was added, changed or removed; once per change of the reduced form. */
  service?(namespace: string, name: string): void
  namespace?(name: string): void
  /** The same as `service`, for a ServiceImport and its imported slices. */
  serviceImport?(namespace: string, name: string): void
  /**
   * An address that slices gained or lost, or whose flags, host name or pod name changed: PTR answers depend on it.
   * Packed; a view that is valid during the call only. The first list makes no such calls: `sync` marks its end.
   */
  address?(address: Uint8Array): void
  /** The availability of a resource, and perhaps `synced`, changed. */
  sync?(): void
}

export interface Subscription {
  /** No call is made from now on, not even for the event that is being delivered. */
  unsubscribe(): void
}

export type Subscribe = (phase: Phase, subscriber: EventSubscriber) => Subscription

export interface EventFeed {
  readonly subscribe: Subscribe
  /** Makes `call` for every subscriber, phase by phase. One that subscribes meanwhile has the change in its snapshot. */
  deliver(call: (subscriber: EventSubscriber) => void): void
  /** False when an event of this kind has no subscriber: then it need not be worked out. */
  hasSubscribers(event: keyof EventSubscriber): boolean
}

interface Member {
  readonly phase: Phase
  readonly subscriber: EventSubscriber
  subscribed: boolean
}

/** `report` takes what a subscriber threw: the fault of one keeps no event from the others, and ends no watch. */
export function createEventFeed(view: ClusterView, report: (error: unknown) => void): EventFeed {
  /** In the order of their phases. Replaced, never changed: a delivery goes on with the members that it began with. */
  let members: readonly Member[] = []

  return {
    subscribe(phase, subscriber) {
      const member: Member = { phase, subscriber, subscribed: true }
      members = phases.flatMap((each) => [...members, member].filter((other) => other.phase === each))
      subscriber.snapshot?.(view)
      return {
        unsubscribe() {
          member.subscribed = false
          members = members.filter((other) => other !== member)
        },
      }
    },
    deliver(call) {
      for (const { subscriber, subscribed } of members) {
        if (!subscribed) continue
        try {
          call(subscriber)
        } catch (error) {
          report(error)
        }
      }
    },
    hasSubscribers: (event) => members.some(({ subscriber }) => subscriber[event] !== undefined),
  }
}
