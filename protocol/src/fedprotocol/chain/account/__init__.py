"""An account: its key, and whoever signs with it."""
