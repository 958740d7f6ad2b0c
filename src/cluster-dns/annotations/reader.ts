/** From the annotations of an object to what they ask for. An annotation that is wrong is left out by itself. */
import type { EndpointSlice, Namespace, Service } from '../../k8s/model/types.ts'
import { type AliasList, readAliases } from '../features/alias/parse.ts'
import { parseGrpcConfig } from '../features/grpc-config/parse.ts'
import { parseHold } from '../features/hold/parse.ts'
import { maxTxtOctets, readMetadata } from '../features/metadata/parse.ts'
import { parseSplit } from '../features/split/parse.ts'
import { parseFlag } from './flag.ts'
import { parseTtl, parseU16 } from './numbers.ts'
import type { Parsed, Problem } from './parsed.ts'
import type { NamespaceAnnotations, ServiceAnnotations, SliceAnnotations } from './service-annotations.ts'

/** Reads an object once: objects of the model never change, they are replaced. */
export interface AnnotationReader {
  /** What keys begin with, without the slash; undefined where annotations are off. */
  readonly prefix: string | undefined
  service(service: Service): ServiceAnnotations
  namespace(namespace: Namespace): NamespaceAnnotations
  slice(slice: EndpointSlice): SliceAnnotations
}

type Annotations = Readonly<Record<string, string>>

const noAnnotations = { problems: [] }

/** Of a configuration with `annotations off`. */
const blindReader: AnnotationReader = {
  prefix: undefined,
  service: () => noAnnotations,
  namespace: () => noAnnotations,
  slice: () => noAnnotations,
}

/** `prefix`: what keys begin with, without the slash. */
export function createAnnotationReader(prefix: string | undefined): AnnotationReader {
  if (prefix === undefined) return blindReader
  const once = remembering(prefix)
  return {
    prefix,
    service: once((service: Service) => readService(prefix, service.annotations)),
    namespace: once((namespace: Namespace) => readNamespace(prefix, namespace.annotations)),
    slice: once((slice: EndpointSlice) => readSlice(prefix, slice.annotations)),
  }
}

/** Of an object's: somebody may have written thousands. */
const mostProblems = 16

type Hints = { readonly problems: readonly Problem[] }

/** Most objects have no annotation of ours (the control plane writes others on EndpointSlices): they are not kept. */
const remembering =
  (prefix: string) =>
  <T extends { readonly annotations: Annotations }, H extends Hints>(
    read: (object: T) => H,
  ): ((object: T) => H | typeof noAnnotations) => {
    const known = new WeakMap<T, H>()
    return (object) => {
      if (!isAnnotated(object.annotations, prefix)) return noAnnotations
      let hints = known.get(object)
      if (!hints) {
        hints = read(object)
        if (hints.problems.length > mostProblems) hints = { ...hints, problems: hints.problems.slice(0, mostProblems) }
        known.set(object, hints)
      }
      return hints
    }
  }

function isAnnotated(annotations: Annotations, prefix: string): boolean {
  for (const key in annotations) if (key.startsWith(`${prefix}/`) || key.startsWith(`txt.${prefix}/`)) return true
  return false
}

function readService(prefix: string, annotations: Annotations): ServiceAnnotations {
  const { problems, value, names, rest } = createKeys(prefix, annotations)
  const hints = {
    ttl: value('ttl', parseTtl),
    srvPriority: value('srv-priority', parseU16),
    srvWeight: value('srv-weight', parseU16),
    split: value('split', parseSplit),
    hold: value('hold', parseHold),
    grpcConfig: value('grpc-config', parseGrpcConfig),
    endpoints: value('endpoints', parseFlag),
    aliases: names('alias', readAliases),
  }
  rest('a Service')
  const { records, problems: ofMetadata } = readMetadata(
    prefix,
    annotations,
    maxTxtOctets - (hints.grpcConfig?.length ?? 0),
  )
  const metadata = records.length > 0 ? records : undefined
  return { ...defined({ ...hints, metadata }), problems: [...problems, ...ofMetadata] }
}

function readNamespace(prefix: string, annotations: Annotations): NamespaceAnnotations {
  const { problems, value, rest, noTexts } = createKeys(prefix, annotations)
  const hints = { ttl: value('ttl', parseTtl) }
  rest('a Namespace')
  noTexts('a Namespace')
  return { ...defined(hints), problems }
}

function readSlice(prefix: string, annotations: Annotations): SliceAnnotations {
  const { problems, value, rest, noTexts } = createKeys(prefix, annotations)
  const hints = { srvPriority: value('srv-priority', parseU16), srvWeight: value('srv-weight', parseU16) }
  rest('an EndpointSlice')
  noTexts('an EndpointSlice')
  return { ...defined(hints), problems }
}

function createKeys(prefix: string, annotations: Annotations) {
  const problems: Problem[] = []
  const known: string[] = []
  /** What the object says under a word, which is known from here on. */
  function written(word: string): { readonly key: string; readonly text: string } | undefined {
    known.push(word)
    const key = `${prefix}/${word}`
    return Object.hasOwn(annotations, key) ? { key, text: annotations[key] } : undefined
  }

  return {
    problems,
    value<T>(word: string, parse: (text: string) => Parsed<T>): T | undefined {
      const found = written(word)
      if (!found) return undefined
      const read = parse(found.text)
      if (read.ok) return read.value
      problems.push({ key: found.key, reason: read.reason, rule: read.rule })
      return undefined
    },
    names(word: string, read: (text: string) => AliasList): readonly string[] | undefined {
      const found = written(word)
      if (!found) return undefined
      const list = read(found.text)
      problems.push(...list.problems.map((problem) => ({ key: found.key, ...problem })))
      return list.names
    },
    /** To be called last: whatever else is below the prefix is a mistake. */
    rest(object: string): void {
      const rule = `${object} may have ${known.join(', ')} below ${prefix}/`
      for (const key of Object.keys(annotations)) {
        if (!key.startsWith(`${prefix}/`) || known.includes(key.slice(prefix.length + 1))) continue
        problems.push({ key, reason: 'unknown', rule })
      }
    },
    /** Where there is no metadata to tell. */
    noTexts(object: string): void {
      const rule = `metadata is told of Services, not of ${object}`
      for (const key of Object.keys(annotations)) {
        if (key.startsWith(`txt.${prefix}/`)) problems.push({ key, reason: 'unknown', rule })
      }
    },
  }
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
