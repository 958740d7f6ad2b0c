/** `slicedns help`: lists the commands, or prints the usage of one. */
import { nearest } from '../corefile/nearest.ts'
import type { CommandModule } from './args.ts'
import { table } from './show.ts'
import { type CommandName, isCommand, summaries } from './summaries.ts'

const server = `slicedns [-conf Corefile] [-dns.port PORT] serves (slicedns -h: its flags). slicedns COMMAND:
`

/** `load` loads the other commands, which print their usage for `-h`. */
export const createHelp = (load: (name: CommandName) => Promise<CommandModule>): CommandModule => ({
  /** Exit code 0; 2: unknown command. */
  async run([word, ...surplus], io) {
    if (word === undefined || word === 'help' || word === '-h' || word === '--help') {
      const rows = Object.entries(summaries).map(([name, summary]) => [`  ${name}`, summary])
      io.stdout.write(`${server}${table(rows)}slicedns help COMMAND prints the usage of one, with examples.\n`)
      return 0
    }
    if (surplus.length === 0 && isCommand(word)) return (await load(word)).run(['-h'], io)
    const meant = nearest(word, Object.keys(summaries))
    const hint = meant === undefined || surplus.length > 0 ? '' : `: did you mean '${meant}'?`
    io.stderr.write(`unknown command '${[word, ...surplus].join(' ')}'${hint}\n`)
    return 2
  },
})
