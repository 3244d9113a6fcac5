"""One parser a file; each has a TARGET."""
