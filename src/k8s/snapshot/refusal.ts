/** Why a snapshot is not used. `message` is for people and names the file. */
export class SnapshotRefused extends Error {
  override name = 'SnapshotRefused'
  readonly reason: RefusalReason
  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * missing: no file. unsafe: others may have written it. damaged: its contents have changed. version: another version of the
 * format. cluster: another cluster's. options: written for a configuration that keeps other objects. old: older than
 * MAX_AGE. future: its time is in the future. unreadable: the file cannot be read, or this cluster's identity is unknown.
 */
export type RefusalReason =
  | 'missing'
  | 'unsafe'
  | 'damaged'
  | 'version'
  | 'cluster'
  | 'options'
  | 'old'
  | 'future'
  | 'unreadable'
