/** Answers as text in columns. */
import { typeName } from '../dns/codes.ts'
import { type Answer, type Question, type Server, type ShownRecord, serverText } from './answer.ts'
import { printableLine } from './output.ts'

/** Rows in columns of equal width, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printableLine))
  const widths = cells.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd()
  return cells.map((row) => `${line(row)}\n`).join('')
}

/** The rcode explained, as `A of web.example.: NXDOMAIN, the name does not exist`; undefined for NOERROR. */
export function refusal(question: Question, answer: Answer): string | undefined {
  const asked = `${typeName(question.type)} of ${question.name}`
  if (answer.rcode === 'NXDOMAIN') return `${asked}: NXDOMAIN, the name does not exist`
  if (answer.rcode === 'REFUSED') return `${asked}: REFUSED, the server does not serve this name`
  if (answer.rcode === 'SERVFAIL') return `${asked}: SERVFAIL, the server failed to find the answer`
  if (answer.rcode !== 'NOERROR') return `${asked}: ${answer.rcode}`
  return undefined
}

export function recordRows(records: readonly ShownRecord[]): string[][] {
  return records.map(({ name, ttl, class: klass, type, data }) => [name, String(ttl), klass, type, data])
}

/** The reply's origin: `127.0.0.1:53 over udp, authoritative, 1.2 ms`. */
export function footer(server: Server, answer: Answer, milliseconds: number): string {
  const parts = [`${serverText(server)} over ${answer.transport}`, milliseconds.toFixed(1).concat(' ms')]
  if (answer.authoritative) parts.splice(1, 0, 'authoritative')
  return `${parts.join(', ')}\n`
}
