"""The node's daemon: a reconciler that reads the chain and the journal and does the one next thing."""
