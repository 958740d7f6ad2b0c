/** Programs that must not outlive the process that started them, however that one ends. */
import { peer } from './peers.ts'

/** The command, to be killed by the kernel when its parent is gone (Linux; elsewhere the command as it is). */
export function tied(command: readonly string[]): readonly string[] {
  const setpriv = peer('setpriv')
  return setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', ...command]
}
