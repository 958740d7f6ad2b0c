/** A buffer in which octets are assembled before they are copied into the table in one step. Grows as needed and is reused. */

export interface Scratch {
  bytes: Uint8Array
  view: DataView
  /** Where the next octet goes. */
  at: number
}

export function createScratch(octets = 4096): Scratch {
  const bytes = new Uint8Array(octets)
  return { bytes, view: new DataView(bytes.buffer), at: 0 }
}

/** Makes room for `octets` more, without clearing them. */
export function reserve(scratch: Scratch, octets: number): void {
  if (scratch.at + octets <= scratch.bytes.length) return
  let length = scratch.bytes.length
  while (length < scratch.at + octets) length *= 2
  const bytes = new Uint8Array(length)
  bytes.set(scratch.bytes.subarray(0, scratch.at))
  scratch.bytes = bytes
  scratch.view = new DataView(bytes.buffer)
}

export function putU8(scratch: Scratch, value: number): void {
  scratch.bytes[scratch.at++] = value
}

/** Network order: for what is copied into replies unchanged. */
export function putU16Network(scratch: Scratch, value: number): void {
  scratch.view.setUint16(scratch.at, value)
  scratch.at += 2
}

export function putU32Network(scratch: Scratch, value: number): void {
  scratch.view.setUint32(scratch.at, value)
  scratch.at += 4
}

export function putU16(scratch: Scratch, value: number): void {
  scratch.view.setUint16(scratch.at, value, true)
  scratch.at += 2
}

export function putU32(scratch: Scratch, value: number): void {
  scratch.view.setUint32(scratch.at, value, true)
  scratch.at += 4
}

export function putBytes(scratch: Scratch, octets: Uint8Array): void {
  reserve(scratch, octets.length)
  scratch.bytes.set(octets, scratch.at)
  scratch.at += octets.length
}

/** Pads with zeros to the next multiple of 4 from the start of the scratch. */
export function align(scratch: Scratch): void {
  reserve(scratch, 4)
  while (scratch.at & 3) scratch.bytes[scratch.at++] = 0
}
