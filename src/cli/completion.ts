/** `slicedns completion`: scripts that complete commands and their flags in a shell. */
import { type Command, type Io, misuse, parseArgs, printExit } from './args.ts'
import { summaries } from './summaries.ts'

const command: Command = {
  usage: 'slicedns completion bash|zsh|fish',
  flags: {},
  examples: [
    'source <(slicedns completion bash)',
    'slicedns completion zsh > "$' + '{fpath[1]}/_slicedns"',
    'slicedns completion fish > ~/.config/fish/completions/slicedns.fish',
  ],
}

const names = Object.keys(summaries).join(' ')

/** Flags come from the help of the command itself, so that a script never lags behind. */
const flagsOf = 'slicedns help "$1" 2>/dev/null | sed -n "s/^  -\\([a-z.-]*\\).*/--\\1/p"'

const scripts: Readonly<Record<string, string>> = {
  bash: `_slicedns_flags() { ${flagsOf}; }
_slicedns() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names}" -- "$word"))
  elif [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$(_slicedns_flags "\${COMP_WORDS[1]}")" -- "$word"))
  elif [ "\${COMP_WORDS[1]}" = help ]; then
    COMPREPLY=($(compgen -W "${names}" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _slicedns slicedns
`,
  zsh: `#compdef slicedns
_slicedns_flags() { ${flagsOf}; }
_slicedns() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${Object.entries(summaries)
  .map(([name, summary]) => `      '${name}:${summary}'`)
  .join('\n')}
    )
    _describe 'command' commands
  elif [[ "$PREFIX" == -* ]]; then
    local -a flags=(\${(f)"$(_slicedns_flags "\${words[2]}")"})
    compadd -a flags
  else
    _files
  fi
}
(( $+functions[compdef] )) && compdef _slicedns slicedns
`,
  fish: `function __slicedns_flags
  slicedns help $argv[1] 2>/dev/null | string match -rg '^  -([a-z.-]+)'
end
${Object.entries(summaries)
  .map(([name, summary]) => `complete -c slicedns -n __fish_use_subcommand -f -a ${name} -d '${summary}'`)
  .join('\n')}
complete -c slicedns -n 'not __fish_use_subcommand' -a '(for flag in (__slicedns_flags (commandline -opc)[2]); echo --$flag; end)'
`,
}

/** Exit code 0: printed; 2: the command line is invalid. */
export async function run(args: string[], io: Io): Promise<number> {
  const parsed = parseArgs(args, command)
  if (parsed.kind === 'exit') return printExit(parsed, io)
  const [shell, ...surplus] = parsed.positional
  const script =
    shell !== undefined && surplus.length === 0 && Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
  if (script === undefined) return printExit(misuse(command, `name a shell: ${Object.keys(scripts).join(', ')}`), io)
  io.stdout.write(script)
  return 0
}
