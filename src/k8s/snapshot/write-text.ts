import type { PbfWriter } from 'pbf'

/** pbf writes characters beyond U+FFFF wrongly (5.1.2), in JavaScript two surrogates. */
export function writeText(pbf: PbfWriter, field: number, text: string): void {
  if (/[\ud800-\udfff]/.test(text)) pbf.writeBytesField(field, Buffer.from(text))
  else pbf.writeStringField(field, text)
}
