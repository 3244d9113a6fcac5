"""Everything that a node can do next, one class a file, by kind of work."""
