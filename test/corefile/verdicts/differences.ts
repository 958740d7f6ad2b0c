/** Where our verdict is another one on purpose. Each has its line in docs/differences.md. */

export interface Difference {
  readonly subject: string
  readonly texts: RegExp
  /** Who accepts. */
  readonly accepts: 'here' | 'there'
  /** Words of the line in docs/differences.md. */
  readonly line: string
}

const oneLine = 'A brace opens or closes a block and is never an argument'
const noPort = 'A port that is not a number from 0 to 65535 is refused'

export const differences: readonly Difference[] = [
  {
    subject: 'server-blocks',
    texts: /^(a\.){126}ab /,
    accepts: 'there',
    line: 'A zone name that is too long',
  },
  {
    subject: 'server-blocks',
    texts: /^[A-Za-z]+:\/\//,
    accepts: 'there',
    line: 'A key with an unknown scheme is refused',
  },
  { subject: 'cancel', texts: /\{ \}|\} x/, accepts: 'here', line: oneLine },
  { subject: 'root', texts: /\{ \}/, accepts: 'there', line: oneLine },
  { subject: 'autopath', texts: / folder\n/, accepts: 'there', line: 'A folder in place of a resolv.conf is refused' },
  {
    subject: 'forward',
    texts: /127\.0\.0\.1 \.$/,
    accepts: 'there',
    line: 'A folder in place of a resolv.conf is refused',
  },
  {
    subject: 'bind',
    texts: /except (lo|127\.0\.0\.1)$/m,
    accepts: 'there',
    line: '`except` that leaves no address is refused',
  },
  { subject: 'forward', texts: /127\.0\.0\.1:(x|65536)/, accepts: 'there', line: noPort },
  { subject: 'ready', texts: / :(-1|x|65536)$/, accepts: 'there', line: noPort },
  { subject: 'prometheus', texts: / :(-1|x)$/, accepts: 'there', line: noPort },
  {
    subject: 'forward',
    texts: / (quic|https3):\/\//,
    accepts: 'there',
    line: '`quic://` and `https3://` upstreams are refused',
  },
  {
    subject: 'forward',
    texts: /forward \. (127\.0\.0\.1 )?(surplus|5s|x)$/,
    accepts: 'here',
    line: 'A host name that cannot be resolved at start',
  },
  {
    subject: 'kubernetes',
    texts: /^(?!.*\nendpoint )/s,
    accepts: 'here',
    line: 'Credentials that cannot be read, and a missing cluster configuration, are retried',
  },
  {
    subject: 'kubernetes',
    texts: /\n(kubeconfig|tls) /,
    accepts: 'here',
    line: 'Credentials that cannot be read, and a missing cluster configuration, are retried',
  },
  { subject: 'template', texts: /now\(\)/, accepts: 'there', line: '`define`, `template` and `block` are refused' },
  {
    subject: 'template',
    texts: /\{\{ (define|template) /,
    accepts: 'there',
    line: '`define`, `template` and `block` are refused',
  },
  { subject: 'view', texts: /expr name$/m, accepts: 'there', line: 'A function without its parentheses is refused' },
  { subject: 'auto', texts: /directory folder \{/, accepts: 'here', line: oneLine },
  { subject: 'auto', texts: /directory \{/, accepts: 'there', line: oneLine },
  { subject: 'grpc', texts: /fe80::1%lo/, accepts: 'here', line: '`grpc`: an address may have a zone' },
  {
    subject: 'tsig',
    texts: /secrets folder/,
    accepts: 'there',
    line: 'A folder in place of a file of keys is refused',
  },
  { subject: 'grpc', texts: /127\.0\.0\.1:(x|65536)/, accepts: 'there', line: noPort },
  { subject: 'grpc', texts: / (tls|https):\/\//, accepts: 'there', line: '`grpc`: a TO with a scheme other than' },
  { subject: 'secondary', texts: /127\.0\.0\.1:(x|65536)/, accepts: 'there', line: noPort },
  { subject: 'tsig', texts: /secret ("" |a\.\.b )/, accepts: 'there', line: 'The name of a key must be a domain name' },
  { subject: 'etcd', texts: /path \{/, accepts: 'there', line: oneLine },
  {
    subject: 'etcd',
    texts: /endpoint ("|http:\/\/\n|:|ftp|unix|http:\/\/\[|9|.*:(x|65536)$)/m,
    accepts: 'there',
    line: 'An invalid endpoint is refused',
  },
  {
    subject: 'dnssec',
    texts: /key (directory|FILE)$/m,
    accepts: 'there',
    line: '`dnssec`: keys come only from files',
  },
  {
    subject: 'readmes',
    texts: /^dnssec 1 /,
    accepts: 'here',
    line: '`check` does not read the keys of `dnssec`',
  },
  {
    subject: 'sign',
    texts: /^(?![\s\S]*key file)|key (FILE|x)|Kexample\.org \{\n[^}]*\}\nkey file/,
    accepts: 'there',
    line: '`sign`: keys come only from files, and at least one is required',
  },
  { subject: 'readmes', texts: /^secondary 3 /, accepts: 'there', line: '`catalog` is refused' },
  { subject: 'readmes', texts: /^dynupdate 1 /, accepts: 'here', line: '`check` does not read the file of the zone' },
]
