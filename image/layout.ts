/** Writes an OCI image layout: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, type Layer } from './layer.ts'
import { type Architecture, entrypoint, environment, exposedPorts, user, workingDirectory } from './settings.ts'

const mediaType = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

export interface PlatformImage {
  readonly architecture: Architecture
  readonly layers: readonly Layer[]
}

export interface WrittenPlatform {
  readonly architecture: Architecture
  readonly manifest: Descriptor
  /** Octets that a node fetches. */
  readonly compressed: number
}

export interface WrittenLayout {
  /** What a registry calls the image, all platforms of it. */
  readonly index: Descriptor
  readonly platforms: readonly WrittenPlatform[]
}

/** `labels`: of org.opencontainers.image. `created`: as RFC 3339. `tag`: how tools find the image in the layout. */
export function writeLayout(
  folder: string,
  images: readonly PlatformImage[],
  { labels, created, tag }: { labels: Readonly<Record<string, string>>; created: string; tag: string },
): WrittenLayout {
  rmSync(folder, { recursive: true, force: true })
  const blobs = join(folder, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const store = (type: string, content: Uint8Array | string): Descriptor => {
    const digest = digestOf(content)
    writeFileSync(join(blobs, digest.slice('sha256:'.length)), content)
    return { mediaType: type, digest, size: Buffer.byteLength(content) }
  }

  const platforms = images.map(({ architecture, layers }): WrittenPlatform => {
    const config = store(mediaType.config, JSON.stringify(configuration(architecture, layers, { labels, created })))
    const stored = layers.map(({ blob }) => store(mediaType.layer, blob))
    const manifest = store(
      mediaType.manifest,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaType.manifest,
        config,
        layers: stored,
        annotations: labels,
      }),
    )
    const compressed = stored.reduce((sum, { size }) => sum + size, config.size)
    return { architecture, manifest, compressed }
  })
  const index = store(
    mediaType.index,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaType.index,
      manifests: platforms.map(({ architecture, manifest }) => ({
        ...manifest,
        platform: { architecture, os: 'linux' },
      })),
      annotations: labels,
    }),
  )
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  // One entry alone: several tools take the only image of a layout, and refuse one that has two.
  const named = { 'org.opencontainers.image.ref.name': tag, 'io.containerd.image.name': `slicedns:${tag}` }
  writeFileSync(
    join(folder, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaType.index,
      manifests: [{ ...index, annotations: named }],
    }),
  )
  return { index, platforms }
}

function configuration(
  architecture: Architecture,
  layers: readonly Layer[],
  { labels, created }: { labels: Readonly<Record<string, string>>; created: string },
): object {
  return {
    created,
    architecture,
    os: 'linux',
    config: {
      User: `${user}:${user}`,
      ExposedPorts: Object.fromEntries(exposedPorts.map((port) => [port, {}])),
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      Entrypoint: entrypoint,
      WorkingDir: workingDirectory,
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ title }) => ({ created, created_by: `npm run image: ${title}` })),
  }
}
