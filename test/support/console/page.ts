/** The page of the console in headless Chromium, on a server whose state a test sets. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import type { ConsoleState } from '../../../src/console/state.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { console } from '../../../src/plugins/console/index.ts'
import { peer } from '../peers.ts'
import { createPluginHarness, type PluginHarness, setUp } from '../plugin-harness.ts'
import { freePort } from '../ports.ts'
import { explanationsOf } from './explanations.ts'
import { endpointsOf } from './states.ts'

export interface ConsoleServer {
  readonly url: string
  readonly port: number
  /** What the next event says. */
  state: ConsoleState
  /** How often the state was asked for. */
  events: number
  stop(): Promise<void>
  start(): Promise<void>
}

/** The plugin as it is; time passes in the tests' own pace, so that an event comes soon. */
export async function startConsole(state: ConsoleState): Promise<ConsoleServer> {
  const harness: PluginHarness = createPluginHarness()
  const port = await freePort()
  const server: ConsoleServer = { url: `http://127.0.0.1:${port}/`, port, state, events: 0, start, stop }
  let instance: Instance | undefined
  let pace: NodeJS.Timeout | undefined
  Object.assign(harness.state.inspection, {
    async state() {
      server.events++
      return server.state
    },
    service: (_namespace: string, name: string) => endpointsOf(name),
    explain: async (name: string, type: string) => explanationsOf(name, type),
    attend: () => ({ release() {} }),
  })

  async function start(): Promise<void> {
    instance = setUp(console, `console 127.0.0.1:${port}`, harness)
    await instance.start?.()
    pace = setInterval(() => harness.clock.advance(1000), 100)
  }

  async function stop(): Promise<void> {
    clearInterval(pace)
    await instance?.stop?.()
    await harness.settled()
  }

  await start()
  return server
}

export async function startBrowser(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: peer('chromium')!,
    // A busy machine takes more than the half minute that puppeteer gives it.
    timeout: 120_000,
    // Root has no sandbox of Chromium's, and a container a small /dev/shm.
    args: ['--disable-gpu', '--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  })
}

/** What goes wrong in a page: errors, and what the Content-Security-Policy keeps from running. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) =>
    complaints.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  )
  page.on('console', (message) => {
    // axe, which the debugger evaluates, sets styles of its own: the policy refuses them.
    const isOurs = !message.location().url?.startsWith('pptr:')
    if (message.type() === 'error' && isOurs) complaints.push(message.text())
  })
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return complaints
}

export type Theme = 'dark' | 'light'

export async function setTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: theme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ])
}

/** Shows a view by its address, and waits until it is there. */
export async function show(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`)
  await page.waitForSelector(`main[data-view="${view.split('/')[0]}"] .view`)
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Violations of WCAG 2.2 A and AA and of axe's best practices, one line each; or of the `rules` named. */
export async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  // Evaluated by the debugger: the page's policy lets no other script in.
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe)
  const options = { resultTypes: ['violations'], preload: false, ...(rules ? { runOnly: rules } : {}) }
  const result = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as {
    violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[]
  }
  return result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary}`),
  )
}
