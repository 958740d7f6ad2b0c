/** A primary of the zone of zones.ts, for `secondary`. */
import { type NamedServer, startNamed } from '../side-by-side.ts'
import { directive, server } from './configuration.ts'
import { writeFiles } from './pair.ts'
import { fileZone } from './zones.ts'

export const primaryFiles = { 'db.primary': fileZone }

export const primaryBlock = (port: number, folder: string): string =>
  server(`file.test:${port}`, `file ${folder}/db.primary`, directive('transfer', 'to *'))

/** CoreDNS, whichever server asks it. */
export const startPrimary = (): Promise<NamedServer> =>
  startNamed('CoreDNS', (port, folder) => {
    writeFiles({ files: primaryFiles }, folder)
    return primaryBlock(port, folder)
  })
