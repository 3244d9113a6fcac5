"""Where updates and globals are kept: one interface, `base.Store`, and its implementations. `open` chooses one by its
URL."""
