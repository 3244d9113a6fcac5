"""The `fedlab` program: with one command in each file."""
