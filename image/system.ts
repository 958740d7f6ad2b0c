/**
 * What the runtime needs of a system, out of Debian's packages: the C and C++ libraries, root certificates, the names of
 * users. No shell, no package manager, no programs. Time zones are part of Node.js.
 */
import type { DebianPackage, Unpacked } from './debian/packages.ts'
import { type ImageFile, textFile } from './files.ts'
import { user } from './settings.ts'

/** What of each package goes into the image, besides its copyright file. */
export const systemPackages: Readonly<Record<string, RegExp>> = {
  // The name of the release, for scanners; /lib and /lib64.
  'base-files': /^(lib|lib64|etc\/os-release|etc\/debian_version|usr\/lib\/os-release)$/,
  libc6: /^usr\/lib(64)?\/([^/]+\/)?(ld-linux-.*|lib(c|dl|m|pthread|resolv|rt))\.so\.\d+$/,
  'libgcc-s1': /^usr\/lib\/[^/]+\/libgcc_s\.so\.\d+$/,
  'libstdc++6': /^usr\/lib\/[^/]+\/libstdc\+\+\.so\.[\d.]+$/,
  libatomic1: /^usr\/lib\/[^/]+\/libatomic\.so\.[\d.]+$/,
  // Certificates become one file below.
  'ca-certificates': /^$/,
  // The copyright of the three above.
  'gcc-14-base': /^$/,
}

export interface SystemPackage extends Unpacked {
  readonly locked: DebianPackage
}

export function systemFiles(packages: readonly SystemPackage[]): ImageFile[] {
  return [
    ...packages.flatMap(({ locked, files, control }) => [
      ...files.filter(({ path }) => systemPackages[locked.name]!.test(path) || isCopyright(locked.name, path)),
      // Where scanners look for the packages of an image without dpkg.
      textFile(`var/lib/dpkg/status.d/${locked.name}`, control),
    ]),
    textFile('etc/ssl/certs/ca-certificates.crt', certificates(packages)),
    textFile('etc/passwd', `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${user}:${user}:nonroot:/:/sbin/nologin\n`),
    textFile('etc/group', `root:x:0:\nnonroot:x:${user}:\n`),
    textFile('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ]
}

const isCopyright = (name: string, path: string): boolean =>
  path === `usr/share/doc/${name}` || path === `usr/share/doc/${name}/copyright`

/** As update-ca-certificates writes it when the package is installed. */
function certificates(packages: readonly SystemPackage[]): string {
  const all = packages
    .flatMap(({ files }) => files)
    .filter(({ path }) => /^usr\/share\/ca-certificates\/.*\.crt$/.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap((file) => (file.type === 'file' ? [Buffer.from(file.content).toString().trimEnd()] : []))
  if (all.length === 0) throw new Error('ca-certificates has no certificates')
  return `${all.join('\n')}\n`
}
