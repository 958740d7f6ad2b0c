/** Finds the errors of a Corefile without opening a socket, for `slicedns check`. */
import { resolve } from 'node:path'
import { directiveError, isHarmless } from '../corefile/directives.ts'
import { type ServerKey, schemeError, serverKeys } from '../corefile/keys.ts'
import { diskSources, readCorefile } from '../corefile/load.ts'
import { overlapErrors } from '../corefile/overlaps.ts'
import type { CorefileBlock } from '../corefile/parsed.ts'
import { parseAsFarAsPossible } from '../corefile/parser.ts'
import { readSettings } from '../corefile/read.ts'
import { ConfigError, type Directive, type Position } from '../corefile/schema.ts'
import type { Plugin } from '../plugin/contract.ts'
import { listenerConflicts } from '../plugin/listener-conflicts.ts'
import { requirementError } from '../plugin/requirements.ts'
import { https } from '../plugins/https/index.ts'
import { declaredPolicy } from '../plugins/tls/certificates.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { corefileOf, isObject, type Source, wholeFile } from './configmap.ts'
import { type FileProblems, fileProblems } from './named-files.ts'

export interface Finding {
  readonly severity: 'error' | 'warning'
  /** Without its position. */
  readonly message: string
  readonly at: Position | undefined
}

export interface Findings {
  readonly findings: readonly Finding[]
  /** Number of server blocks. */
  readonly blocks: number
}

/** Reads a Corefile, or the one in a ConfigMap, and checks it: see `checkText`. */
export function checkCorefile(file: string, plugins: readonly Plugin[], dnsPort: number, lenient = false): Findings {
  let source: Source
  let files: FilesOf
  try {
    const text = readCorefile(file)
    files = isObject(text) || file === 'stdin' ? 'another machine' : 'this machine'
    source = isObject(text) ? corefileOf(text) : wholeFile(text)
  } catch (error) {
    const message = error instanceof ConfigError ? plainMessage(error) : `${file}: ${errorMessage(error)}`
    return { findings: [{ severity: 'error', message, at: undefined }], blocks: 0 }
  }
  const { findings, blocks } = checkText(source.text, file, plugins, { dnsPort, lenient, files })
  return { findings: findings.map((finding) => placed(finding, file, source)), blocks }
}

/** Findings in imported files keep their position. */
function placed(finding: Finding, file: string, source: Source): Finding {
  const { at } = finding
  return at?.file === file ? { ...finding, at: { ...at, ...source.place(at.line, at.column) } } : finding
}

/** Where the server will read the files named by the Corefile: `check` can examine only those of this machine. */
type FilesOf = 'this machine' | 'another machine'

/**
 * Checks the text of a Corefile up to its first syntax error: grammar, directives, keys, every plugin's settings, zones claimed
 * by two blocks, and, depending on `files`, the files named by settings. Findings are in the order of the file, followed by those
 * in imported files.
 */
export function checkText(
  text: string,
  file: string,
  plugins: readonly Plugin[],
  {
    dnsPort,
    lenient = false,
    files,
  }: { readonly dnsPort: number; readonly lenient?: boolean; readonly files?: FilesOf },
): Findings {
  const findings: Finding[] = []
  const report = (error: unknown) => {
    if (!(error instanceof ConfigError)) throw error
    findings.push({ severity: 'error', message: plainMessage(error), at: error.at })
  }
  const corefile = parseAsFarAsPossible(text, file, diskSources)
  if (corefile.error !== undefined) report(corefile.error)
  for (const { message, at } of corefile.warnings) findings.push({ severity: 'warning', message, at })
  const built = plugins.map(({ name }) => name)
  for (const word of corefile.words) {
    const error = directiveError(word, built, lenient)
    if (error === undefined) continue
    if (!lenient || !isHarmless(word.text)) report(error)
    else findings.push({ severity: 'warning', message: plainMessage(error), at: error.at })
  }
  const blocks = corefile.blocks.map((block) => ({ block, keys: readKeys(block, dnsPort, report) }))
  const earlier = new Map<Plugin, unknown[]>(plugins.map((plugin) => [plugin, []]))
  for (const { block, keys } of blocks) {
    findings.push(...checkSettings(block, keys, earlier, report, files), ...warnings(block, keys))
  }
  checkListeners(blocks, report)
  if (corefile.blocks.length === 0 && corefile.error === undefined)
    findings.push({
      severity: 'warning',
      message: `${file} has no server block: the built-in Corefile is used`,
      at: undefined,
    })
  return { findings: inFileOrder(findings, file), blocks: corefile.blocks.length }
}

type Report = (error: unknown) => void

function readKeys(block: CorefileBlock, dnsPort: number, report: Report): ServerKey[] {
  return block.keys.flatMap((key) => {
    try {
      const [read] = serverKeys([key], dnsPort)
      const refused = schemeError(read)
      if (refused) report(refused)
      return [read]
    } catch (error) {
      report(error)
      return []
    }
  })
}

function checkSettings(
  block: CorefileBlock,
  keys: readonly ServerKey[],
  earlier: ReadonlyMap<Plugin, unknown[]>,
  report: Report,
  files: FilesOf | undefined,
): Finding[] {
  const zones = [...new Set(keys.flatMap((key) => key.zones))]
  const written = [...earlier].filter(([{ name }]) => block.directives.some(({ word }) => word === name))
  const plugins = written.map(([plugin]) => plugin)
  return written.flatMap(([plugin, others]) => {
    const occurrences = block.directives.filter(({ word }) => word === plugin.name)
    const written = { zones, keys, plugins, earlier: others, root: rootOf(block), files }
    return checkDirective(plugin, occurrences, written, report)
  })
}

interface WrittenBlock {
  readonly zones: readonly string[]
  readonly keys: readonly ServerKey[]
  readonly plugins: readonly Plugin[]
  /** The plugin's settings in earlier blocks; these settings are added. */
  readonly earlier: unknown[]
  /** The folder that relative paths refer to. */
  readonly root: string
  readonly files: FilesOf | undefined
}

/**
 * Reads the settings, and after an error again without the line or occurrence that caused it, so that one run reports every
 * error. A later error at the directive itself may result from the removal, so it is not reported. Returns the warnings of
 * valid settings.
 */
function checkDirective(
  plugin: Plugin,
  occurrences: readonly Directive[],
  { zones, keys, plugins, earlier, root, files }: WrittenBlock,
  report: Report,
): Finding[] {
  let left = occurrences
  for (let first = true; left.length > 0; first = false) {
    try {
      const settings = readSettings(plugin.schema, left, zones)
      const unmet = first ? requirementError(plugin, settings, left[0], { keys, plugins, earlier }) : undefined
      if (unmet) report(unmet)
      earlier.push(settings)
      const block = { zones, plugins: plugins.map(({ name }) => name) }
      const warnings = plugin.schema.warnings?.(settings, block) ?? []
      return [
        ...warnings.map(({ message, at = left[0].at }): Finding => ({ severity: 'warning', message, at })),
        ...(files === undefined ? [] : ofFiles(fileProblems(plugin, settings, left[0].at, root), left[0].at, files)),
      ]
    } catch (error) {
      const at = error instanceof ConfigError ? error.at : undefined
      if (first || !left.some((directive) => directive.at === at)) report(error)
      const rest = without(left, at)
      if (rest === undefined) return []
      left = rest
    }
  }
  return []
}

function ofFiles({ refused, logged }: FileProblems, at: Position, files: FilesOf): Finding[] {
  const reported = logged.map((message): Finding => ({ severity: 'warning', message, at }))
  if (refused === undefined) return reported
  const message = plainMessage(refused)
  return files === 'this machine'
    ? [...reported, { severity: 'error', message, at: refused.at }]
    : [
        ...reported,
        { severity: 'warning', message: `the start would fail on this machine: ${message}`, at: refused.at },
      ]
}

/** The occurrences without the body line, else without the occurrence, at the position; undefined if none matches. */
function without(occurrences: readonly Directive[], at: Position | undefined): readonly Directive[] | undefined {
  const holds = (token: { readonly at: Position }) => token.at === at
  const lines = occurrences.flatMap(({ body }) => body ?? [])
  const line = lines.find(({ word, args }) => holds(word) || args.some(holds))
  if (line !== undefined)
    return occurrences.map((directive) => ({ ...directive, body: directive.body?.filter((other) => other !== line) }))
  const occurrence = occurrences.find((directive) => holds(directive) || directive.args.some(holds))
  return occurrence && occurrences.filter((other) => other !== occurrence)
}

function warnings(block: CorefileBlock, keys: readonly ServerKey[]): Finding[] {
  const empty: Finding = {
    severity: 'warning',
    message: 'no directives: every query for this block is REFUSED',
    at: block.at,
  }
  const odd = keys.flatMap(({ zones, at }) =>
    zones
      .filter((zone) => !isPreferredSyntax(zone))
      .map(
        (zone): Finding => ({ severity: 'warning', message: `'${zone}' does not follow RFC1035 preferred syntax`, at }),
      ),
  )
  return block.directives.length === 0 ? [empty, ...odd] : odd
}

/** RFC 1035 §2.3.1. The root and reverse zones are exempt. */
function isPreferredSyntax(zone: string): boolean {
  return zone === '.' || /\.(in-addr|ip6)\.arpa\.$/.test(`.${zone}`) || /^([a-z]([a-z0-9-]*[a-z0-9])?\.)+$/.test(zone)
}

/**
 * Conflicts of blocks on the same listener. Interface names are compared as written, and unreadable certificates count as absent,
 * because `check` need not run on the server's machine.
 */
function checkListeners(blocks: readonly { block: CorefileBlock; keys: readonly ServerKey[] }[], report: Report): void {
  const claimants = blocks.map(({ block, keys }) => ({
    keys,
    addresses: bindAddresses(block, report),
    viewed: block.directives.some(({ word }) => word === 'view'),
    tls: declared(block, 'tls', (written) => declaredPolicy(written, rootOf(block))),
    httpsStreams: declared(
      block,
      'https',
      (written) => https.schema.read({ occurrences: written, zones: [] }).maxStreams,
    ),
  }))
  for (const error of [...listenerConflicts(claimants), ...overlapErrors(claimants)]) report(error)
}

/** The settings of a directive in the block; undefined if absent, or invalid, which is reported elsewhere. */
function declared<T>(
  { directives }: CorefileBlock,
  name: string,
  read: (written: readonly Directive[]) => T,
): T | undefined {
  const written = directives.filter(({ word }) => word === name)
  try {
    return written.length === 0 ? undefined : read(written)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

const rootOf = ({ directives }: CorefileBlock): string =>
  resolve(directives.find(({ word }) => word === 'root')?.args[0]?.text ?? '')

/** The block's bind addresses as written; [] for all addresses. */
function bindAddresses(block: CorefileBlock, report: Report): readonly string[] {
  const addresses = new Set<string>()
  for (const { text, at } of block.directives.filter(({ word }) => word === 'bind').flatMap((bind) => bind.args)) {
    if (addresses.has(text)) report(new ConfigError(`bind to ${text} twice: it is already defined`, at))
    addresses.add(text)
  }
  return [...addresses]
}

function plainMessage(error: ConfigError): string {
  const place = error.at ? `${placeText(error.at)} - ` : ''
  return error.message.startsWith(place) ? error.message.slice(place.length) : error.message
}

export function findingText({ severity, message, at }: Finding): string {
  return `${at ? `${placeText(at)} - ` : ''}${severity === 'warning' ? 'warning: ' : ''}${message}`
}

function placeText({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`
}

function inFileOrder(findings: readonly Finding[], file: string): Finding[] {
  const rank = ({ at }: Finding) => (at === undefined || at.file === file ? '' : at.file)
  return findings.toSorted(
    (a, b) =>
      Number(rank(a) > rank(b)) - Number(rank(a) < rank(b)) ||
      (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
      (a.at?.column ?? 0) - (b.at?.column ?? 0),
  )
}
