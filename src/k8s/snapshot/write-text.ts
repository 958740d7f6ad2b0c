import type { PbfWriter } from 'pbf'

/** pbf 5.1.2 encodes characters beyond U+FFFF (two surrogates in JavaScript) incorrectly. */
export function writeText(pbf: PbfWriter, field: number, text: string): void {
  if (/[\ud800-\udfff]/.test(text)) pbf.writeBytesField(field, Buffer.from(text))
  else pbf.writeStringField(field, text)
}
