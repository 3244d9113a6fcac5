module federation/tools/kubo

go 1.23

require github.com/ipfs/kubo v0.32.1
