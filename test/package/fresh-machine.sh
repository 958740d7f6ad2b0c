#!/usr/bin/env bash
# Proves the README's two commands on a machine that has nothing but Node.js and npm:
#   test/package/fresh-machine.sh [NPM_VERSION …]       (default: 10 11 12)
# For each npm it clones this repository (its last commit) into a new folder, runs `npm ci` without and with install
# scripts allowed to run, then `npm start`, asks it with dig over IPv4 and IPv6, and ends it as a person would. Then it packs
# the package, and runs the packed file with npx in an empty folder. PATH holds the system's Node.js and nothing of ours. npm 12
# does not run on Node.js 20: it gets the pinned runtime as system Node.
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
started=
finish() {
  [ -z "$started" ] || kill -KILL -- "-$started" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

fail() {
  echo "FAILED (npm $npm_version): $*" >&2
  [ ! -s "$work/start.log" ] || { echo '--- npm start printed:' >&2; cat "$work/start.log" >&2; }
  exit 1
}

# until_true SECONDS COMMAND…: waits for a condition.
until_true() {
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# A folder with a `node` and an `npm` command, and what npm's scripts need of a system.
make_machine() {
  machine="$work/machine-$npm_version"
  mkdir -p "$machine"
  local node
  node=$(PATH="${PATH//"$repository/node_modules/.bin:"/}" command -v node)
  npm install --silent --no-audit --no-fund --prefix "$work/npm-$npm_version" "npm@$npm_version"
  [ "$npm_version" -lt 12 ] || node=$(cd "$repository" && node run.js -p process.execPath)
  ln -s "$node" "$machine/node"
  printf '#!/bin/sh\nexec node %s "$@"\n' "$work/npm-$npm_version/node_modules/npm/bin/npm-cli.js" > "$machine/npm"
  printf '#!/bin/sh\nexec npm exec --yes -- "$@"\n' > "$machine/npx"
  chmod +x "$machine/npm" "$machine/npx"
  for tool in sh env dirname uname sed; do ln -s "$(command -v "$tool")" "$machine/$tool"; done
}

# How this network is reached (proxies, certificates) belongs to the machine; everything else of our environment is left out.
network=()
for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy NODE_EXTRA_CA_CERTS NPM_CONFIG_REGISTRY; do
  [ -z "${!name:-}" ] || network+=("$name=${!name}")
done
on_machine() { (exec_on_machine "$@"); }
exec_on_machine() { exec env -i HOME="$HOME" PATH="$machine" "${network[@]}" "$@"; }

# answers ADDRESS QUESTION…: dig writes what went wrong as comments.
answers() { dig +short +time=1 +tries=1 "@$1" -p 1053 "${@:2}" 2>/dev/null | grep -q '^[^;]'; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# What npm would publish, on a machine without a checkout: only what is in it, and the packages that it names.
prove_packed() {
  local empty="$work/empty-$npm_version"
  mkdir "$empty"
  cp "$1" "$empty/slicedns.tgz"
  cd "$empty"
  printf '.:1053 {\n    hosts {\n        192.0.2.7 packed.test\n    }\n}\n' > Corefile
  on_machine npx ./slicedns.tgz check Corefile | grep -q 'can be served' || fail 'npx slicedns.tgz check Corefile'

  : > "$work/start.log"
  set -m
  exec_on_machine npx ./slicedns.tgz -conf Corefile -p 1053 > "$work/start.log" 2>&1 &
  started=$!
  set +m
  until_true 120 answers 127.0.0.1 packed.test A || fail 'no answer of npx slicedns.tgz -conf Corefile -p 1053'
  grep -q 'udp by threads' "$work/start.log" || fail 'npx slicedns.tgz: koffi does not load'
  local server
  server=$(pgrep -f -g "$started" 'slicedns\.js.* -conf Corefile -p 1053' | tail -n 1)
  on_machine npx ./slicedns.tgz explain --pid "$server" packed.test | grep -q '192\.0\.2\.7' || fail 'npx slicedns.tgz explain'
  kill -TERM -- "-$started"
  until_true 40 eval '! answers 127.0.0.1 packed.test A' || fail 'npx slicedns.tgz is still there 40 s after SIGTERM'
  started=
}

prove() {
  local npm_version=$1 tree="$work/tree-$1" begin=$SECONDS
  make_machine
  git clone -q "$repository" "$tree"
  cd "$tree"
  on_machine npm ci --silent --no-audit --no-fund --ignore-scripts || fail 'npm ci --ignore-scripts'
  rm -rf node_modules
  on_machine npm ci --silent --no-audit --no-fund || fail 'npm ci'
  ! answers 127.0.0.1 kubernetes.default.svc.cluster.local || fail 'something answers on 127.0.0.1:1053 already'

  : > "$work/start.log"
  set -m # a process group of its own, so that whatever it starts can be ended with it
  exec_on_machine npm start > "$work/start.log" 2>&1 &
  started=$!
  set +m
  local question=(kubernetes.default.svc.cluster.local A)
  until_true 20 answers 127.0.0.1 "${question[@]}" || fail 'no answer over IPv4'
  until_true 10 answers ::1 "${question[@]}" || fail 'no answer over IPv6'
  answers 127.0.0.1 +tcp "${question[@]}" || fail 'no answer over TCP'
  ! grep -q '^try: ' "$work/start.log" || fail 'npm start says what to try, though nobody reads it'

  kill -TERM "$started"
  until_true 40 gone "$started" || fail 'npm start is still there 40 s after SIGTERM'
  until_true 5 eval '! answers 127.0.0.1 "${question[@]}"' || fail 'the server outlives npm start'
  started=
  on_machine npm run -s slicedns -- -version | grep -q . || fail 'npm run -s slicedns -- -version'
  on_machine npm pack --silent > /dev/null || fail 'npm pack'
  on_machine node dist/slicedns.js -version | grep -q . || fail 'node dist/slicedns.js -version'
  # Once: it is the package that is proved, and npx downloads the runtime anew.
  [ "$npm_version" != "$first_version" ] || prove_packed "$tree"/slicedns-*.tgz
  cd "$repository"
  rm -rf "$tree"
  echo "npm $(on_machine npm --version) on Node.js $(on_machine node --version): npm ci, npm start and the built server work ($((SECONDS - begin)) s)"
}

[ $# -gt 0 ] || set -- 10 11 12
first_version=$1
for npm_version in "$@"; do prove "$npm_version"; done
