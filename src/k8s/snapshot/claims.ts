/**
 * Which cluster may write a file. A reload that changes what is watched opens the new cluster before it stops the old one,
 * whose last write must not replace the new one's.
 */
const claims = new Map<string, Claim[]>()

export interface Claim {
  /** Nobody has claimed the file since, or whoever did has released it. */
  readonly current: boolean
  release(): void
}

export function claimFile(file: string): Claim {
  const ofFile = claims.get(file) ?? []
  claims.set(file, ofFile)
  const claim: Claim = {
    get current() {
      return ofFile.at(-1) === claim
    },
    release() {
      const at = ofFile.indexOf(claim)
      if (at >= 0) ofFile.splice(at, 1)
      if (ofFile.length === 0 && claims.get(file) === ofFile) claims.delete(file)
    },
  }
  ofFile.push(claim)
  return claim
}
