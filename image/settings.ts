/** How the image starts. The Dockerfile says the same; test/package/image.test.ts compares them. */
import { serverEnvironment } from '../src/launch-flags.ts'

/** Without the leading slash, as the paths of layers are. */
export const runtimePath = 'usr/local/bin/node'

/** The flags are those of src/launch-flags.ts: giving them here saves the process its second start. */
export const entrypoint: readonly string[] = [
  `/${runtimePath}`,
  '--disable-sigusr1',
  '--max-semi-space-size=2',
  '--max-old-space-size-percentage=50',
  '/slicedns/dist/slicedns.js',
]

/** `nonroot` of /etc/passwd. In digits, for `runAsNonRoot` refuses a name. */
export const user = 65_532

export const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ...serverEnvironment,
}

export const exposedPorts: readonly string[] = ['53/tcp', '53/udp', '9153/tcp']

/** CoreDNS's image runs there, too: a Corefile named by a relative path is where it was. */
export const workingDirectory = '/'

export type Architecture = 'amd64' | 'arm64'

/** OCI's and Debian's names of processors, and npm's. */
export const npmArchitecture: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' }

export const architectures: readonly Architecture[] = ['amd64', 'arm64']

/** What dist/ loads from outside of itself: koffi, and its native library. */
export const koffiPackages = (architecture: Architecture): readonly string[] => [
  'koffi',
  `@koromix/koffi-linux-${npmArchitecture[architecture]}`,
]
