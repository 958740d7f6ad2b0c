/** The log: entries with a level and, in a plugin, its name. log-format.ts defines their written form. */
export interface Logger {
  debug(text: string): void
  /** `fields`: additional keys of the entry, if entries have keys (`structured`). */
  info(text: string, fields?: LogFields): void
  warning(text: string): void
  error(text: string): void
  /** The same log with this plugin's name in its entries; '' for none. */
  plugin(name: string): Logger
  /** Turns DEBUG lines on or off for the whole log (`debug`). Absent if that is fixed. */
  setDebug?(on: boolean): void
  /** Whether entries have fields besides their text, so that it is worth computing them. */
  readonly structured?: boolean
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>
