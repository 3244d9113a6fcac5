"""Where updates and globals are kept: one port, `base.Store`, and its adapters; `open` chooses one by URL."""
