#!/bin/sh
# Build the geth node (pinned in go.mod, checked against go.sum) into .tools/bin/geth. Needs Go; about five minutes cold.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../.tools/bin/geth
command -v go >/dev/null || { echo "geth is built with Go: install Go 1.23 or newer and run this again." >&2; exit 1; }
if [ -x "$out" ] && [ "$out" -nt "$here/go.sum" ]; then
    exit 0
fi
mkdir -p "$(dirname "$out")"
cd "$here"
# Built beside the target and moved there: an interrupted build leaves no half program.
go build -mod=readonly -trimpath -ldflags='-s -w' -o "$out.new" github.com/ethereum/go-ethereum/cmd/geth
mv "$out.new" "$out"
