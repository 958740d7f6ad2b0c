/** Why a snapshot is not used: `message` is for people and names the file. */
export class SnapshotRefused extends Error {
  override name = 'SnapshotRefused'
  readonly reason: RefusalReason
  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * missing: there is no file. unsafe: not a file that only we can have written. damaged: not what was written. version: another
 * version of the format. cluster: another cluster's. options: of a configuration that keeps other things. old: older than
 * MAX_AGE. future: its time has not come. unreadable: the file cannot be read, or it cannot be said which cluster this is.
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
