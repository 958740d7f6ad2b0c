/**
 * The schema of a directive: rows of data that one reader (read.ts) turns into checked settings, so that errors of all
 * plugins are worded alike and name the place.
 */

/** Where a word stands. Lines and columns count from 1; columns in UTF-16 units. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One word of a Corefile, after variables were replaced. */
export interface Token {
  readonly text: string
  readonly at: Position
  readonly quoted: boolean
}

/** One occurrence of a directive in a server block: `word args… { body }`. */
export interface Directive {
  readonly word: string
  readonly at: Position
  readonly args: readonly Token[]
  /** Lines of the body; undefined when there is no `{`. */
  readonly body: readonly BodyLine[] | undefined
  /** Its `{`. */
  readonly opened?: Position | undefined
  /** Set where CoreDNS reads words as another occurrence of the directive that were not meant as one. */
  readonly spill?: Spill | undefined
}

/** What spills out of a directive, and where. */
export interface Spill {
  readonly at: Position
  /** A sentence for people. */
  readonly reason: string
}

/** A line of a directive's body: an option and its arguments. */
export interface BodyLine {
  readonly word: Token
  readonly args: readonly Token[]
}

/** Thrown for every error in a Corefile. `message` is ready to print: `Corefile:12:5 - …`. */
export class ConfigError extends Error {
  readonly at: Position | undefined
  constructor(message: string, at: Position | undefined) {
    super(at ? `${at.file}:${at.line}:${at.column} - ${message}` : message)
    this.name = 'ConfigError'
    this.at = at
  }
}

/** What a schema's `read` gets: all occurrences of the directive in the block, in file order (CoreDNS merges them). */
export interface DirectiveContext {
  readonly occurrences: readonly Directive[]
  /** Zones of the server block: the default of plugins whose ZONES argument is omitted. */
  readonly zones: readonly string[]
}

/**
 * The schema of a directive. `read` checks and converts; it uses the helpers of read.ts (options by rows, durations,
 * integers with range, zones, addresses) and throws ConfigError with the position of the offending word.
 */
export interface DirectiveSchema<Settings> {
  /** One line for error messages and docs: `forward FROM TO... { options }`. */
  readonly usage: string
  /** `once`: a second occurrence in the block is an error (`this plugin can only be used once per Server Block`). */
  readonly repeat: 'once' | 'many'
  read(context: DirectiveContext): Settings
  /** What `slicedns check` warns of in valid settings. */
  warnings?(settings: Settings, block: WarnedBlock): readonly SettingsWarning[]
}

/** The server block of settings that may be warned of. */
export interface WarnedBlock {
  readonly zones: readonly string[]
  /** The names of its plugins. */
  readonly plugins: readonly string[]
}

export interface SettingsWarning {
  readonly message: string
  /** Undefined: at the directive. */
  readonly at?: Position | undefined
}
