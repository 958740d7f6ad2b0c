/** Records made from templates. */
import type { ResourceRecord } from '../../dns/message.ts'
import { NameError } from '../../dns/name.ts'
import { parseRecord } from '../../dns/record-text.ts'
import { ExecutionError, type Struct, type Template } from '../../text-template/index.ts'
import type { MatchContext } from './match-context.ts'

/** The template could not be executed, or its text was not a record. */
export class RecordError extends Error {
  readonly stage: 'template' | 'record'
  constructor(message: string, stage: 'template' | 'record') {
    super(message)
    this.name = 'RecordError'
    this.stage = stage
  }
}

/** Throws RecordError. */
export function makeRecord(template: Template, data: Struct): ResourceRecord {
  return parse(execute(template, data))
}

function execute(template: Template, data: Struct): string {
  try {
    return template.execute(data)
  } catch (error) {
    throw error instanceof ExecutionError ? new RecordError(error.message, 'template') : error
  }
}

function parse(text: string): ResourceRecord {
  try {
    return parseRecord(text)
  } catch (error) {
    throw error instanceof RangeError || error instanceof NameError ? new RecordError(error.message, 'record') : error
  }
}

/** The data of templates, by CoreDNS's names. */
export function templateData(context: MatchContext): Struct {
  const { query, matches, groups } = context
  const { request } = query
  const question: Struct = { fields: { Name: query.qname, Qtype: query.qtype, Qclass: query.qclass } }
  return {
    fields: {
      Zone: context.zone,
      Name: query.name,
      Class: context.class,
      Type: context.type,
      Regex: context.pattern,
      Match: matches,
      Group: groups,
      get Remote() {
        return query.client.address
      },
      Var: context.variables,
      Question: question,
      Message: {
        fields: {
          Id: request.id,
          Opcode: request.opcode,
          RecursionDesired: request.recursionDesired,
          Question: [question],
        },
      },
      Meta(args) {
        if (args.length !== 1) throw new ExecutionError(`wrong number of args for Meta: want 1 got ${args.length}`)
        return query.metadata?.(String(args[0])) ?? ''
      },
    },
  }
}
