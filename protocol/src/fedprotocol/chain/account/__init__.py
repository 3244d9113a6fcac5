"""An account: its key, and the programs that sign with it."""
