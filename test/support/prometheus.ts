/** A real Prometheus (Debian's) that scrapes every few seconds, asked over its own API. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { tied } from './tied.ts'
import { until } from './until.ts'

export interface Prometheus {
  /** The values that an expression has now, one for each series. Rejects with Prometheus' words where it is invalid. */
  query(expression: string): Promise<number[]>
  /** What `label_values(SELECTOR, LABEL)` of Grafana gives. */
  labelValues(label: string, selector: string): Promise<string[]>
  /** The alerts of its rule files, with what is wrong with them. */
  rules(): Promise<{ readonly name: string; readonly query: string; readonly health: string }[]>
  stop(): Promise<void>
}

export interface PrometheusOptions {
  /** `127.0.0.1:9153`: scraped once for each job. */
  readonly target: string
  readonly jobs: readonly string[]
  /** Labels of the target, as a service discovery gives them. */
  readonly labels: Readonly<Record<string, string>>
  readonly ruleFiles: readonly string[]
}

export async function startPrometheus({ target, jobs, labels, ruleFiles }: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-prometheus-'))
  const port = await freePort()
  const config = {
    // A scrape may take as long as the interval: on a crowded machine that is more than a second.
    global: { scrape_interval: '3s', scrape_timeout: '3s', evaluation_interval: '3s' },
    rule_files: ruleFiles,
    scrape_configs: jobs.map((job_name) => ({ job_name, static_configs: [{ targets: [target], labels }] })),
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const command = tied([
    peer('prometheus')!,
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ])
  const child: ChildProcess = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr!.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = once(child, 'close')

  async function ask(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const { status, error, data } = (await response.json()) as { status: string; error?: string; data: unknown }
    if (status !== 'success') throw new Error(`${parameters.query ?? path}: ${error}`)
    return data
  }

  async function stop(): Promise<void> {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    await until(() => ask('status/runtimeinfo'), {
      unless: () => (child.exitCode === null ? undefined : `prometheus has ended: ${output}`),
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    async query(expression) {
      const { result } = (await ask('query', { query: expression })) as { result: { value: [number, string] }[] }
      return result.map(({ value: [, text] }) => Number(text))
    },
    labelValues: async (label, selector) => (await ask(`label/${label}/values`, { 'match[]': selector })) as string[],
    async rules() {
      const { groups } = (await ask('rules')) as {
        groups: { rules: { name: string; query: string; health: string }[] }[]
      }
      return groups.flatMap(({ rules }) => rules)
    },
    stop,
  }
}
