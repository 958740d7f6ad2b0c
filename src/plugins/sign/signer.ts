/** Keeps one zone signed: checks the signed file, and signs the zone again when it is out of date. */

import { randomUUID } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain, lowerName } from '../../dns/name.ts'
import { recordText } from '../../dns/rdata.ts'
import { readUint16, readUint32 } from '../../dns/values.ts'
import { zoneRecords } from '../../dns/zone-file/index.ts'
import type { SigningKey } from '../../dnssec/key.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { openZoneFiles, timeOfChange } from '../../zone/files.ts'
import { coveredType } from '../../zone/zone.ts'
import { createUnsignedZone } from './sign-zone.ts'

const hour = 3600
const day = 24 * hour

/** Seconds, as in CoreDNS. */
const validity = { before: 3 * hour, beforeJitter: 18 * hour, after: 32 * day, afterJitter: 5 * day }
/** A zone is signed again when its signatures are this old, or expire within this time. */
const renewal = { age: 6 * day, left: 7 * day }

/** Milliseconds between two checks. CoreDNS checks every five hours, and does not check the zone's file. */
const checkInterval = 60_000

/** Bounds on a zone while it is signed: its records are objects then. */
export const maxRecords = 50_000
const maxOctets = 32 << 20
/** What a record takes beside its name, which it has twice, and its data: about. */
const recordOctets = 400
/** The SOA is searched in the first records of a signed file: CoreDNS's figure. */
const firstRecords = 100
/** Octets that are written at once. */
const pieceOctets = 65_536

export interface SignerOptions {
  /** Lower case and absolute. */
  readonly zone: string
  /** The zone's file, and the one that is made of it. */
  readonly source: string
  readonly target: string
  readonly keys: readonly SigningKey[]
  readonly clock: Clock
  readonly log: Logger
  /** Zones are signed one after the other: each takes its records' memory. */
  inTurn(work: () => Promise<void>): Promise<void>
  onFailure(): void
}

export interface ZoneSigner {
  start(): void
  stop(): void
}

export function createZoneSigner(options: SignerOptions): ZoneSigner {
  const { zone, source, target, keys, clock, log, inTurn } = options
  const scheduler = createCooperativeScheduler(clock)
  const tags = keys.map(({ tag }) => tag)
  const now = (): number => Math.floor(clock.wall() / 1000)
  let timer: Timer | undefined
  let stopped = false
  /** The state of the signed file when it was last read. */
  let known: { readonly changedAt: number; readonly signatures: readonly ResourceRecord[] } | undefined
  /** Modification time of the zone's file that was last signed, which may be in the future. */
  let signedChange = 0
  /** The last failure, which is logged once. */
  let failure: string | undefined

  async function check(): Promise<void> {
    try {
      const reason = reasonToSign()
      if (reason !== undefined) await inTurn(() => sign(reason))
      failure = undefined
    } catch (error) {
      failed(errorMessage(error))
    }
    if (!stopped) timer = clock.after(checkInterval, () => void check())
  }

  function failed(reason: string): void {
    if (stopped) return
    options.onFailure()
    if (reason !== failure) log.warning(`cannot sign ${JSON.stringify(zone)}: ${reason}`)
    failure = reason
  }

  function reasonToSign(): string | undefined {
    try {
      const changedAt = timeOfChange(target)
      const change = timeOfChange(source)
      if (change > changedAt && change !== signedChange) return `${source} is newer than ${target}`
      if (known?.changedAt !== changedAt) known = { changedAt, signatures: soaSignatures(target, zone) }
    } catch (error) {
      return errorMessage(error)
    }
    const { signatures } = known
    return signatures.length === 0 ? `${target} has no signature of the SOA` : outOfDate(signatures, tags, now())
  }

  async function sign(reason: string): Promise<void> {
    if (stopped) return
    log.info(`Signing ${JSON.stringify(zone)} because ${reason}`)
    const begun = clock.now()
    const serial = now()
    const change = timeOfChange(source)
    const unsigned = createUnsignedZone()
    const outside = await read(unsigned.add)
    if (outside > 0) log.warning(`${source} has ${outside} records outside of the zone ${zone}, which are ignored`)
    const terms = {
      zone,
      keys,
      serial,
      inception: serial - validity.before - Math.floor(validity.beforeJitter * Math.random()),
      scheduler,
      expiration: serial + validity.after + Math.floor(validity.afterJitter * Math.random()),
    }
    await writeBeside(target, pieces(unsigned.sign(terms)))
    signedChange = change
    if (stopped) return
    const seconds = ((clock.now() - begun) / 1000).toFixed(3)
    log.info(
      `Successfully signed zone "${zone}" in "${target}" with key tags "${tags.join(',')}" and ${serial} SOA serial, elapsed ${seconds}`,
    )
  }

  /** Reads the zone's file. Returns how many records are outside of the zone. */
  async function read(add: (record: ResourceRecord) => void): Promise<number> {
    const { first, include } = openZoneFiles(source)
    let outside = 0
    let octets = 0
    scheduler.begin()
    for (const record of zoneRecords(first.pieces, { zone, file: first.file, maxRecords, include })) {
      octets += recordOctets + 2 * record.name.length + record.rdata.length
      if (octets > maxOctets)
        throw new RangeError(`its records take more than ${maxOctets >> 20} MiB while it is signed: divide the zone`)
      if (isSubdomain(zone, lowerName(record.name))) add(record)
      else outside++
      if (scheduler.due) await scheduler.rest()
    }
    return outside
  }

  /** The text of the signed file. Throws when the signer is stopped, so that no file is written. */
  async function* pieces(groups: AsyncIterable<readonly ResourceRecord[]>): AsyncGenerator<string> {
    let text = ''
    for await (const records of groups) {
      if (stopped) throw new Error('the server stops')
      for (const record of records) text += `${recordText(record)}\n`
      if (text.length < pieceOctets) continue
      yield text
      text = ''
    }
    yield text
  }

  return {
    start: () => void check(),
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

/** Throws an Error with why the file cannot be read. */
function soaSignatures(path: string, zone: string): readonly ResourceRecord[] {
  const { first, include } = openZoneFiles(path)
  const found: ResourceRecord[] = []
  let count = 0
  for (const record of zoneRecords(first.pieces, { zone, file: first.file, maxRecords: firstRecords + 1, include })) {
    if (coveredType(record) === type.SOA) found.push(record)
    if (++count === firstRecords) break
  }
  return found
}

/** Why the signatures of the SOA must be renewed, or undefined. */
function outOfDate(signatures: readonly ResourceRecord[], tags: readonly number[], now: number): string | undefined {
  const signedBy = signatures.map(({ rdata }) => readUint16(rdata, 16))
  if (signedBy.length !== tags.length || !tags.every((tag) => signedBy.includes(tag)))
    return `it is signed by the keys ${signedBy.join(',')}`
  for (const { rdata } of signatures) {
    const left = (readUint32(rdata, 8) - now) | 0
    const age = (now - readUint32(rdata, 12)) | 0
    if (age < 0) return 'its signatures begin in the future'
    if (age > renewal.age) return `its signatures are ${Math.floor(age / hour)} hours old`
    if (left < renewal.left) return `its signatures expire in ${Math.floor(left / hour)} hours`
  }
  return undefined
}

/** Replaces the file atomically. */
async function writeBeside(target: string, pieces: AsyncIterable<string>): Promise<void> {
  // `auto` must not take the temporary name for a zone file.
  const beside = join(dirname(target), `signed-${randomUUID()}`)
  const file = await open(beside, 'wx', 0o644)
  try {
    for await (const piece of pieces) await file.appendFile(piece)
    await file.sync()
    await file.close()
    await rename(beside, target)
  } catch (error) {
    await file.close().catch(() => undefined)
    await unlink(beside).catch(() => undefined)
    throw error
  }
}
