/** Whether zone serial `a` is newer than `b` (RFC 1982 §3.2). Undefined there at a distance of 2^31: then it is not newer. */
export const isNewerSerial = (a: number, b: number): boolean => a !== b && (a - b) >>> 0 < 0x80000000
