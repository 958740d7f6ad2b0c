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
const shells = 'bash zsh fish'

/** Flags come from the help of the command itself, so that a script never lags behind; before a command, from that of the server. */
const flagsOf = String.raw`case "$1" in -*) slicedns -h ;; *) slicedns help "$1" ;; esac 2>/dev/null |
    sed -n 's/^  -\([a-z]\)\( .*\)*$/-\1/p; s/^  -\([a-z][a-z.-][a-z.-]*\).*/--\1/p'`

/** The commands whose first argument is one of a few words. */
const firstWords = { help: names, completion: shells } as const

const scripts: Readonly<Record<string, string>> = {
  bash: `_slicedns_flags() {
  ${flagsOf}
}
_slicedns() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=
  if [[ "$word" == -* ]]; then
    words="$(_slicedns_flags "\${COMP_WORDS[1]}")"
  elif [ "$COMP_CWORD" -eq 1 ]; then
    words="${names}"
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case "\${COMP_WORDS[1]}" in
${Object.entries(firstWords)
  .map(([name, words]) => `      ${name}) words="${words}" ;;`)
  .join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _slicedns slicedns
`,
  // A file of fpath is its function's body at first: the call that has read it must be answered, too.
  zsh: `#compdef slicedns
_slicedns_flags() {
  ${flagsOf}
}
_slicedns() {
  if [[ "$PREFIX" == -* ]]; then
    local -a flags=(\${(f)"$(_slicedns_flags "\${words[2]}")"})
    compadd -a flags
  elif (( CURRENT == 2 )); then
    local -a commands=(
${Object.entries(summaries)
  .map(([name, summary]) => `      '${name}:${summary}'`)
  .join('\n')}
    )
    _describe 'command' commands
${Object.entries(firstWords)
  .map(([name, words]) => `  elif (( CURRENT == 3 )) && [[ "\${words[2]}" == ${name} ]]; then\n    compadd ${words}`)
  .join('\n')}
  else
    _files
  fi
}
if [[ "$funcstack[1]" == _slicedns ]]; then
  _slicedns "$@"
elif (( $+functions[compdef] )); then
  compdef _slicedns slicedns
fi
`,
  fish: `function __slicedns_flags
  if string match -q -- '-*' "$argv[1]"
    slicedns -h
  else
    slicedns help $argv[1]
  end 2>/dev/null | string match -rg '^  (-[a-z.-]+)' | string replace -r '^-(..)' -- '--$1'
end
${Object.entries(summaries)
  .map(([name, summary]) => `complete -c slicedns -n __fish_use_subcommand -f -a ${name} -d '${summary}'`)
  .join('\n')}
${Object.entries(firstWords)
  .map(([name, words]) => `complete -c slicedns -n '__fish_seen_subcommand_from ${name}' -f -a '${words}'`)
  .join('\n')}
complete -c slicedns -n "string match -q -- '-*' (commandline -ct)" -a '(__slicedns_flags (commandline -opc)[2] -)'
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
