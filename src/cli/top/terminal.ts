/** Full-screen output and keyboard input. The terminal is restored however the program ends. */
import type { Screen } from '../args.ts'

/** xterm's private modes: 1049 is the alternate screen, 25 the cursor. */
const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const clearLine = '\u001b[K'
const clearBelow = '\u001b[J'
const bold = '\u001b[1m'
const plain = '\u001b[0m'

export interface Terminal {
  /** Draws lines from the top; they must be printable and fit. The first one is emphasised. */
  draw(lines: readonly string[]): void
  size(): { readonly columns: number; readonly rows: number }
  /** Restores the screen and the keyboard. */
  close(): void
}

/** `onKey` gets typed characters, `onResize` is called when the window's size changes, `onEnd` at a signal. */
export function openTerminal(
  screen: Screen,
  { onKey, onResize, onEnd }: { onKey(key: string): void; onResize(): void; onEnd(): void },
): Terminal {
  const { stdin, stdout } = process
  const hasKeys = stdin.isTTY === true
  const emphasis = process.env.NO_COLOR ? '' : bold
  let isOpen = false

  const typed = (text: string): void => {
    // Escape sequences such as arrow keys are ignored.
    if (text.startsWith('\u001b') && text.length > 1) return
    for (const key of text) {
      if (key === '\u0003') onEnd()
      else if (key === '\u001a') suspend()
      else onKey(key)
    }
  }

  function open(): void {
    if (isOpen) return
    isOpen = true
    if (hasKeys) stdin.setRawMode(true)
    screen.write(enter)
  }

  function restore(): void {
    if (!isOpen) return
    isOpen = false
    screen.write(leave)
    if (hasKeys) stdin.setRawMode(false)
  }

  /** Handles Ctrl-Z, which a terminal in raw mode only passes on. */
  function suspend(): void {
    restore()
    process.kill(process.pid, 'SIGTSTP')
  }

  function resumed(): void {
    open()
    onResize()
  }

  if (hasKeys) {
    stdin.setEncoding('utf8')
    stdin.on('data', typed)
    stdin.resume()
  }
  stdout.on('resize', onResize)
  process.on('exit', restore)
  process.on('SIGCONT', resumed)
  for (const signal of ends) process.on(signal, onEnd)
  open()
  return {
    draw(lines) {
      const [first = '', ...rest] = lines
      const head = emphasis === '' ? first : `${emphasis}${first}${plain}`
      // No newline after the last line, or the screen would scroll.
      screen.write(`${home}${[head, ...rest].map((line) => `${line}${clearLine}`).join('\r\n')}${clearBelow}`)
    },
    size: screen.size,
    close() {
      restore()
      stdin.off('data', typed)
      stdin.pause()
      stdout.off('resize', onResize)
      process.off('exit', restore)
      process.off('SIGCONT', resumed)
      for (const signal of ends) process.off(signal, onEnd)
    },
  }
}

const ends = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
