/**
 * Delivers the changes of a cluster in phases. Each event reaches every subscriber of one phase before any of the next,
 * whatever the order in which they subscribed:
 *
 *   indexes      what answers are computed from besides the model itself (aliases, browsing, settling)
 *   heldQueries  queries that wait for this change: they are answered first
 *   publishing   the answer table, and anything else that repeats answers
 *   observers    everybody else, such as NOTIFY
 *
 * Subscribing is one synchronous step: `snapshot` sees the state, and every later change is an event. An event names what
 * has changed; its current state is read from the view.
 */
import type { ClusterView } from './types.ts'

export const phases = ['indexes', 'heldQueries', 'publishing', 'observers'] as const

export type Phase = (typeof phases)[number]

/** Called synchronously after the model changed. Subscribers only mark what is to be done and return. */
export interface EventSubscriber {
  /** Called once, before `subscribe` returns: the state that the events build on. */
  snapshot?(view: ClusterView): void
  /** The Service or any of its EndpointSlices was added, changed or removed; once per change of the reduced form. */
  service?(namespace: string, name: string): void
  namespace?(name: string): void
  /** The same as `service`, for a ServiceImport and its imported slices. */
  serviceImport?(namespace: string, name: string): void
  /**
   * An address that slices gained or lost, or whose flags, host name or pod name changed: PTR answers depend on it. Packed;
   * a view that is valid during the call only. Not called during the first list, whose end `sync` marks.
   */
  address?(address: Uint8Array): void
  /** The availability of a resource, and possibly `synced`, has changed. */
  sync?(): void
}

export interface Subscription {
  /** No calls are made from now on, not even for the event being delivered. */
  unsubscribe(): void
}

export type Subscribe = (phase: Phase, subscriber: EventSubscriber) => Subscription

export interface EventFeed {
  readonly subscribe: Subscribe
  /** Makes `call` for every subscriber, phase by phase. One that subscribes meanwhile sees the change in its snapshot. */
  deliver(call: (subscriber: EventSubscriber) => void): void
  /** False when no subscriber handles this event, so that it need not be computed. */
  hasSubscribers(event: keyof EventSubscriber): boolean
}

interface Member {
  readonly phase: Phase
  readonly subscriber: EventSubscriber
  subscribed: boolean
}

/** `report` gets exceptions of subscribers: one's fault must not keep an event from the others, or end a watch. */
export function createEventFeed(view: ClusterView, report: (error: unknown) => void): EventFeed {
  /** Ordered by phase. Replaced instead of changed, so that a delivery continues with the members it began with. */
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
