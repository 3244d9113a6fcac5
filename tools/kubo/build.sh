#!/bin/sh
# Build the Kubo daemon (pinned in go.mod, checked against go.sum) into .tools/bin/ipfs. Needs Go; about two minutes cold.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../.tools/bin/ipfs
command -v go >/dev/null || { echo "Kubo is built with Go: install Go 1.23 or newer and run this again." >&2; exit 1; }
if [ -x "$out" ] && [ "$out" -nt "$here/go.sum" ]; then
    exit 0
fi
mkdir -p "$(dirname "$out")"
cd "$here"
# Built beside the target and moved there: an interrupted build leaves no half program.
go build -mod=readonly -trimpath -ldflags='-s -w' -o "$out.new" github.com/ipfs/kubo/cmd/ipfs
mv "$out.new" "$out"
