"""`make explorer-load`: how quick the explorer is with many rounds and clients, and what it costs the chain's node."""
