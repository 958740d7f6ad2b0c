/** A screen that a program has to itself, and the keys that are pressed: whatever ends it, the terminal is as it was. */
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
  /** Draws lines from the top; they are printable and fit. The first is emphasised. */
  draw(lines: readonly string[]): void
  size(): { readonly columns: number; readonly rows: number }
  /** Gives the screen and the keyboard back. */
  close(): void
}

/** `onKey` gets characters as they are typed, `onResize` is called when the window has another size, `onEnd` at a signal. */
export function openTerminal(
  screen: Screen,
  { onKey, onResize, onEnd }: { onKey(key: string): void; onResize(): void; onEnd(): void },
): Terminal {
  const { stdin, stdout } = process
  const hasKeys = stdin.isTTY === true
  const emphasis = process.env.NO_COLOR ? '' : bold
  let isOpen = false

  const typed = (text: string): void => {
    // Arrows and the like are one sequence: of no use here, and no key either.
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

  /** Ctrl-Z, which a raw terminal only hands over. */
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
      // No newline behind the last line: the screen would scroll.
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
