/** `slicedns top`: a running server's activity, refreshed periodically. */
import { scheduler } from 'node:timers/promises'
import type { ConsoleState } from '../console/state.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import {
  type Command,
  durationFlag,
  type Io,
  integerFlag,
  jsonFlags,
  misuse,
  parseArgs,
  printExit,
  type Screen,
  wantsJson,
} from './args.ts'
import { fetchState, findRunningServer, type RunningServer, runningServerFlags } from './running-server.ts'
import { type Choice, documentText, screenLines, views } from './top/layout.ts'
import { openTerminal } from './top/terminal.ts'

const command: Command = {
  usage: 'slicedns top [--interval DURATION] [--count N] [--server URL | --pid PID | --pidfile FILE] [--json]',
  mixed: true,
  flags: {
    interval: { value: 'DURATION', help: 'Time between two updates, as 500ms or 5s (default 1s)' },
    count: {
      value: 'N',
      help: 'End after this many updates (default: at q, or after 1 if the output is not a terminal)',
    },
    ...runningServerFlags,
    ...jsonFlags('Print one JSON object per line for each update'),
  },
  examples: ['slicedns top', 'slicedns top | cat', 'slicedns top --json --count 60 --interval 1s > minute.jsonl'],
}

/** Milliseconds. */
const longest = 24 * 3_600_000

/** Exit code 0: shown; 1: the server does not answer; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  if (parsed.positional.length > 0)
    return printExit(misuse(command, `unexpected argument '${parsed.positional[0]}'`), io)
  const interval = durationFlag(parsed, 'interval', 100, longest) ?? 1000
  const count = integerFlag(parsed, 'count', 1, 1_000_000)
  if (Number.isNaN(interval)) return printExit(misuse(command, '--interval must be a duration from 100ms to 24h'), io)
  if (Number.isNaN(count)) return printExit(misuse(command, '--count must be 1 to 1000000'), io)
  const find = () => findRunningServer(parsed.given)
  const { screen } = io.stdout
  try {
    const target = await find()
    if (screen && !wantsJson(parsed) && process.env.TERM !== 'dumb')
      return await showOn(screen, { target, find, interval, count })
    const text = wantsJson(parsed) ? (state: ConsoleState) => `${JSON.stringify(state)}\n` : documentText
    for (let look = 0; look < (count ?? 1); look++) {
      if (look > 0) await scheduler.wait(interval)
      io.stdout.write(text(await fetchState(target)))
    }
    return 0
  } catch (error) {
    io.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

interface Show {
  readonly target: RunningServer
  /** Finds the server again: after a restart it has another pid. */
  find(): Promise<RunningServer>
  readonly interval: number
  readonly count: number | undefined
}

async function showOn(screen: Screen, { target, find, interval, count }: Show): Promise<number> {
  const ended = new AbortController()
  let choice: Choice = { view: views[0], order: 'figure', paused: false, trouble: '' }
  let state: ConsoleState | undefined
  let asked = target
  const draw = (): void => terminal.draw(screenLines(state, choice, terminal.size()))
  const terminal = openTerminal(screen, {
    onKey(key) {
      if (key === 'q' || key === 'Q') return ended.abort()
      choice = pressed(choice, key)
      draw()
    },
    onResize: draw,
    onEnd: () => ended.abort(),
  })
  try {
    draw()
    for (let look = 0; !ended.signal.aborted && look < (count ?? Number.POSITIVE_INFINITY); look++) {
      if (look > 0) await scheduler.wait(interval, { signal: ended.signal }).catch(() => undefined)
      if (ended.signal.aborted) break
      if (choice.paused) continue
      try {
        state = await fetchState(asked)
        choice = { ...choice, trouble: '' }
      } catch (error) {
        choice = { ...choice, trouble: `NO ANSWER: ${errorMessage(error).split('\n')[0]}` }
        asked = await find().catch(() => asked)
      }
      if (!ended.signal.aborted) draw()
    }
  } finally {
    terminal.close()
  }
  return choice.trouble === '' ? 0 : 1
}

function pressed(choice: Choice, key: string): Choice {
  if (key === 's') return { ...choice, order: choice.order === 'figure' ? 'name' : 'figure' }
  if (key === ' ') return { ...choice, paused: !choice.paused }
  const at = key === '\t' ? (views.indexOf(choice.view) + 1) % views.length : Number(key) - 1
  return { ...choice, view: views[at] ?? choice.view }
}
