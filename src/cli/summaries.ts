/** One-line summaries of the commands, for help, completion and suggestions. Plain data, because the server loads it too. */
export const summaries = {
  check: 'finds every error of a Corefile, also inside a ConfigMap',
  completion: 'prints a completion script for bash, zsh or fish',
  discover: 'lists the addresses, ports and pods of a Service',
  explain: 'says why a running server answers as it does',
  failover: 'prints the first of several addresses that accepts a connection',
  help: 'prints the usage of a command',
  latency: 'measures how long a lookup takes',
  query: 'looks a name up',
  status: 'shows whether the server that runs here is healthy',
  top: 'shows what a running server does, refreshed',
  wait: 'waits until a name has as many addresses as it should',
  watch: 'prints each change of an answer, with its time',
} as const

export type CommandName = keyof typeof summaries

export const isCommand = (word: string): word is CommandName => Object.hasOwn(summaries, word)
