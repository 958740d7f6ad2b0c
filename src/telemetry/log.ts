/** Log lines as CoreDNS writes them: stdout, no timestamp, `[LEVEL] text` or `[LEVEL] plugin/NAME: text`. */
export interface Logger {
  debug(text: string): void
  info(text: string): void
  warning(text: string): void
  error(text: string): void
  /** The same log with `plugin/NAME: ` in front of each text; for the name '' with nothing in front. */
  plugin(name: string): Logger
  /** Turns DEBUG lines on or off for the whole log (`debug`). Absent where that is fixed. */
  setDebug?(on: boolean): void
}
