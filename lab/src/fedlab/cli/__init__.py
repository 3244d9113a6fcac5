"""The `fedlab` program: one command a file."""
