//go:build tools

// Package tools only names the program that build.sh builds, so that go.mod keeps what it needs.
package tools

import _ "github.com/ethereum/go-ethereum/cmd/geth"
