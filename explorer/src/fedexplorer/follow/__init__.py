"""The one thread that reads the chain, and what it has read."""
