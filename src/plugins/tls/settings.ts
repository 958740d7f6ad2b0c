import { argCount, fail, oneOf, option, readBody, text } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema, Position } from '../../corefile/schema.ts'
import type { ClientAuth } from '../../plugin/capabilities/server-tls.ts'

export interface TlsSettings {
  /** Paths as written. */
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
  readonly clientAuth: ClientAuthPolicy
  readonly keyLog: string | undefined
  readonly at: Position
}

export const clientAuthPolicies = {
  nocert: { ask: false, required: false, verified: false },
  request: { ask: true, required: false, verified: false },
  require: { ask: true, required: true, verified: false },
  verify_if_given: { ask: true, required: false, verified: true },
  require_and_verify: { ask: true, required: true, verified: true },
} as const satisfies Readonly<Record<string, ClientAuth>>

const policyNames = Object.keys(clientAuthPolicies) as ClientAuthPolicy[]

type ClientAuthPolicy = keyof typeof clientAuthPolicies

export const schema: DirectiveSchema<readonly TlsSettings[]> = {
  usage: 'tls CERT KEY [CA] { client_auth POLICY; keylog FILE }',
  repeat: 'many',
  read: ({ occurrences }) => occurrences.map(readDirective),
}

function readDirective(directive: Directive): TlsSettings {
  if (directive.args.length === 0)
    throw fail(
      'tls needs CERT and KEY: slicedns does not obtain certificates (ACME); let cert-manager or an ACME client write them, changed files are read again',
      directive,
    )
  argCount(directive, 2, 3)
  const [cert, key, ca] = directive.args.map((token) => token.text)
  const options = readBody(directive, {
    client_auth: option(oneOf(policyNames), { default: 'nocert' as const }),
    keylog: option(text),
  })
  return {
    cert,
    key,
    ca: ca || undefined,
    clientAuth: options.client_auth,
    keyLog: options.keylog || undefined,
    at: directive.at,
  }
}
