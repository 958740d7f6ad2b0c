#!/usr/bin/env bash
# Builds the real peers that the tests compare with, outside the tree, once:
#   test/support/peers/build.sh [coredns] [etcd] [kube-apiserver] [kube-controller-manager] [kube-scheduler] [kube-proxy] [kwok]
#                              [kubectl] [helm] [prometheus-operator-crds] [grpc-go-client] [doh-go-client]
#                              [systemd-resolved]                                   (default: all of them)
# They land in ${SLICEDNS_PEERS:-$HOME/.cache/slicedns-peers}/bin; a version that is there already is kept.
# Needs Go 1.26 or later and the Go module proxy; systemd-resolved comes from Debian's packages, elsewhere it is left out.
# Tests look on PATH and in that folder, and skip what is absent.
set -euo pipefail

COREDNS_VERSION=v1.15.0
ETCD_VERSION=v3.6.5
KUBERNETES_VERSION=1.36.3
KWOK_VERSION=v0.8.0
HELM_VERSION=v3.22.0
PROMETHEUS_OPERATOR_VERSION=v0.85.0

peers="${SLICEDNS_PEERS:-$HOME/.cache/slicedns-peers}"
bin="$peers/bin"
mkdir -p "$bin"
export GOFLAGS="${GOFLAGS:-} -trimpath" CGO_ENABLED=0

# built NAME VERSION: true when this version of NAME is there.
built() { [ -x "$bin/$1" ] && [ "$(cat "$bin/.$1.version" 2>/dev/null)" = "$2" ]; }

# publish NAME VERSION FILE: a build counts only when it is complete, so move it into place last.
publish() { mv "$3" "$bin/$1" && echo "$2" > "$bin/.$1.version" && echo "built $1 $2"; }

# build_coredns NAME VERSION: the reference, whose answers are recorded (npm run conformance -- --record).
build_coredns() {
  built "$1" "$2" && return
  local work; work=$(mktemp -d)
  GOBIN="$work" go install -ldflags='-s -w' "github.com/coredns/coredns@$2"
  publish "$1" "$2" "$work/coredns"
  rm -rf "$work"
}

build_etcd() {
  built etcd "$ETCD_VERSION" && return
  local work; work=$(mktemp -d)
  ( cd "$work"
    cat > main.go <<'GO'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
GO
    go mod init peers.invalid/etcd >/dev/null 2>&1
    go get "go.etcd.io/etcd/server/v3@$ETCD_VERSION"
    go mod tidy
    go build -ldflags='-s -w' -o etcd . )
  publish etcd "$ETCD_VERSION" "$work/etcd"
  rm -rf "$work"
}

# One go.mod and one build for what k8s.io/kubernetes has: the packages are the same, only the last step is each program's own.
# It replaces its staging modules by relative paths; from outside they are the v0.x releases.
build_kubernetes() {
  local name missing=()
  for name in "$@"; do built "$name" "$KUBERNETES_VERSION" || missing+=("$name"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  local work; work=$(mktemp -d)
  ( cd "$work"
    for name in "${missing[@]}"; do
      mkdir "$name"
      sed "s/PROGRAM/$name/; s/COMMAND/$(kubernetes_command "$name")/" > "$name/main.go" <<'GO'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/PROGRAM/app"
)

func main() { os.Exit(cli.Run(app.COMMAND())) }
GO
    done
    local gomod
    gomod=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
    { echo 'module peers.invalid/kubernetes'
      echo 'go 1.26.0'
      echo 'godebug default=go1.26'
      echo "require k8s.io/kubernetes v$KUBERNETES_VERSION"
      sed -n 's#.*\(k8s\.io/[a-z0-9-]*\) => \./staging/.*#replace \1 => \1 v0.'"${KUBERNETES_VERSION#1.}"'#p' "$gomod"
    } > go.mod
    go mod tidy
    local version="k8s.io/component-base/version"
    mkdir built
    go build -ldflags="-s -w -X $version.gitVersion=v$KUBERNETES_VERSION -X $version.gitMajor=1 -X $version.gitMinor=${KUBERNETES_VERSION#1.}" \
      -o built/ ./... )
  for name in "${missing[@]}"; do publish "$name" "$KUBERNETES_VERSION" "$work/built/$name"; done
  rm -rf "$work"
}

kubernetes_command() {
  case $1 in
    kube-apiserver) echo NewAPIServerCommand ;;
    kube-controller-manager) echo NewControllerManagerCommand ;;
    kube-scheduler) echo NewSchedulerCommand ;;
    kube-proxy) echo NewProxyCommand ;;
  esac
}

# Nodes and pods that the control plane believes in, without a kubelet.
build_kwok() {
  built kwok "$KWOK_VERSION" && return
  local work; work=$(mktemp -d)
  GOBIN="$work" go install -ldflags='-s -w' "sigs.k8s.io/kwok/cmd/kwok@$KWOK_VERSION"
  publish kwok "$KWOK_VERSION" "$work/kwok"
  rm -rf "$work"
}

# The guides in docs/ are run as they stand, kubectl's lines included.
build_kubectl() {
  built kubectl "$KUBERNETES_VERSION" && return
  local work; work=$(mktemp -d)
  ( cd "$work"
    cat > main.go <<'GO'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
)

func main() { os.Exit(cli.Run(cmd.NewDefaultKubectlCommand())) }
GO
    go mod init peers.invalid/kubectl >/dev/null 2>&1
    go get "k8s.io/kubectl@v0.${KUBERNETES_VERSION#1.}"
    go mod tidy
    go build -ldflags='-s -w' -o kubectl . )
  publish kubectl "$KUBERNETES_VERSION" "$work/kubectl"
  rm -rf "$work"
}

# Without these two numbers helm takes every cluster for one of Kubernetes 1.20 where it cannot ask.
build_helm() {
  built helm "$HELM_VERSION" && return
  local work; work=$(mktemp -d)
  local capabilities="helm.sh/helm/v3/pkg/chartutil" version="${KUBERNETES_VERSION#1.}"
  GOBIN="$work" go install -ldflags="-s -w -X $capabilities.k8sVersionMajor=1 -X $capabilities.k8sVersionMinor=${version%.*}" \
    "helm.sh/helm/v3/cmd/helm@$HELM_VERSION"
  publish helm "$HELM_VERSION" "$work/helm"
  rm -rf "$work"
}

# A program that prints the definitions of ServiceMonitor, PodMonitor and PrometheusRule, for kubectl apply --server-side -f -.
build_prometheus_operator_crds() {
  built prometheus-operator-crds "$PROMETHEUS_OPERATOR_VERSION" && return
  local work; work=$(mktemp -d)
  local module; module=$(go mod download -json "github.com/prometheus-operator/prometheus-operator@$PROMETHEUS_OPERATOR_VERSION" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  { echo '#!/bin/sh'
    echo 'exec sed 1,2d "$0"'
    cat "$module"/example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,podmonitors,prometheusrules}.yaml
  } > "$work/crds"
  chmod +x "$work/crds"
  publish prometheus-operator-crds "$PROMETHEUS_OPERATOR_VERSION" "$work/crds"
  rm -rf "$work"
}

# build_go_client NAME FOLDER: a client of ours on a library of Go (grpc-go, net/http): what it does is the library's doing.
build_go_client() {
  local module; module="$(dirname "${BASH_SOURCE[0]}")/../../clients/go"
  local version; version=$(cat "$module"/go.mod "$module"/go.sum "$module/$2"/main.go | sha256sum | cut -c 1-16)
  built "$1" "$version" && return
  local work; work=$(mktemp -d)
  ( cd "$module" && go build -ldflags='-s -w' -o "$work/$1" "./$2" )
  publish "$1" "$version" "$work/$1"
  rm -rf "$work"
}

# Unpacked, not installed: installing makes /etc/resolv.conf a link to a file that only a running systemd-resolved writes.
unpack_systemd_resolved() {
  command -v apt-get >/dev/null || { echo "systemd-resolved: left out, for there is no apt-get"; return; }
  built systemd-resolved "$(debian_version systemd-resolved)" && return
  local packages=(systemd-resolved libsystemd-shared)
  local work; work=$(mktemp -d)
  ( cd "$work"
    apt-get download -qq "${packages[@]}" || { as_root apt-get update -qq && apt-get download -qq "${packages[@]}"; }
    for package in *.deb; do dpkg -x "$package" unpacked; done )
  local version; version=$(debian_version systemd-resolved)
  local home="$peers/systemd-resolved"
  rm -rf "$home" && mv "$work/unpacked" "$home"
  local libraries; libraries=$(dirname "$(find "$home" -name 'libsystemd-shared-*.so')")
  # What that library needs comes with its package, which changes nothing else.
  ! LD_LIBRARY_PATH="$libraries" ldd "$libraries"/*.so | grep -q 'not found' ||
    as_root apt-get install -y -qq --no-install-recommends libsystemd-shared
  local program
  for program in resolvectl systemd-resolved; do
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$libraries" "$(find "$home" -type f -name "$program" -perm -u+x)" \
      > "$work/$program"
    chmod +x "$work/$program"
    publish "$program" "$version" "$work/$program"
  done
  rm -rf "$work"
}

# debian_version PACKAGE: the one to be had; nothing before the first apt-get update.
debian_version() { apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p' || true; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

[ $# -gt 0 ] || set -- coredns etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kwok kubectl helm prometheus-operator-crds grpc-go-client doh-go-client systemd-resolved
kubernetes=()
for peer in "$@"; do
  case $peer in kube-apiserver | kube-controller-manager | kube-scheduler | kube-proxy) kubernetes+=("$peer") ;; esac
done
for peer in "$@"; do
  case $peer in
    coredns) build_coredns coredns "$COREDNS_VERSION" ;;
    etcd) build_etcd ;;
    kube-apiserver | kube-controller-manager | kube-scheduler | kube-proxy) build_kubernetes "${kubernetes[@]}" ;;
    kwok) build_kwok ;;
    systemd-resolved) unpack_systemd_resolved ;;
    kubectl) build_kubectl ;;
    helm) build_helm ;;
    prometheus-operator-crds) build_prometheus_operator_crds ;;
    grpc-go-client) build_go_client grpc-go-client . ;;
    doh-go-client) build_go_client doh-go-client doh ;;
    *) echo "unknown peer '$peer': there are coredns, etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kwok, kubectl, helm, prometheus-operator-crds, grpc-go-client, doh-go-client and systemd-resolved" >&2; exit 2 ;;
  esac
done
