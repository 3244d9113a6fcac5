"""What may leave the site: its own policy, who approved it, and the log of everything that left. No spec and no setting
of the node overrides it."""
