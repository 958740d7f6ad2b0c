/** The log: entries with a level and, in a plugin, its name. log-format.ts has how they are written. */
export interface Logger {
  debug(text: string): void
  /** `fields`: further keys of the entry, where entries have keys (`structured`). */
  info(text: string, fields?: LogFields): void
  warning(text: string): void
  error(text: string): void
  /** The same log for entries of this plugin; for the name '' of none. */
  plugin(name: string): Logger
  /** Turns DEBUG lines on or off for the whole log (`debug`). Absent where that is fixed. */
  setDebug?(on: boolean): void
  /** Entries have fields beside their text: worth making. */
  readonly structured?: boolean
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>
