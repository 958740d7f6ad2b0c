/** Reads an OCI image layout as a runtime does, with GNU tar for the layers: nothing of the code that wrote it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: { readonly architecture: string; readonly os: string }
}

export interface ImageConfig {
  readonly architecture: string
  readonly created: string
  readonly config: {
    readonly User: string
    readonly Env: readonly string[]
    readonly Entrypoint: readonly string[]
    readonly WorkingDir: string
    readonly ExposedPorts: Readonly<Record<string, object>>
    readonly Labels: Readonly<Record<string, string>>
  }
  readonly rootfs: { readonly diff_ids: readonly string[] }
}

export interface Image {
  readonly manifest: Descriptor
  readonly config: ImageConfig
  readonly layers: readonly Descriptor[]
}

const digestOf = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`

const blobFile = (layout: string, { digest }: Descriptor): string => join(layout, 'blobs', digest.replace(':', '/'))

function blob(layout: string, descriptor: Descriptor): Buffer {
  const content = readFileSync(blobFile(layout, descriptor))
  assert.equal(digestOf(content), descriptor.digest)
  assert.equal(content.length, descriptor.size)
  return content
}

/** The one image of a layout, every digest and size checked. */
export function readLayout(layout: string): { index: Descriptor; images: readonly Image[] } {
  const json = (descriptor: Descriptor) => JSON.parse(blob(layout, descriptor).toString())
  const entries: Descriptor[] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests
  assert.equal(entries.length, 1, 'tools that take the only image of a layout refuse one that has two')
  const images = (json(entries[0]).manifests as Descriptor[]).map((manifest): Image => {
    const { config, layers } = json(manifest)
    for (const layer of layers) blob(layout, layer)
    return { manifest, config: json(config), layers }
  })
  return { index: entries[0], images }
}

/** Makes `folder` the root of the image's containers. Needs root, for owners and for the capability of the runtime. */
export function unpackImage(layout: string, { layers }: Image, folder: string): void {
  mkdirSync(folder, { mode: 0o755 })
  for (const layer of layers) {
    const options = ['--xattrs', '--xattrs-include=*', '--same-owner', '-xzpf', blobFile(layout, layer), '-C', folder]
    execFileSync('tar', options)
  }
}
