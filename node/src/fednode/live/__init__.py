"""What a terminal shows of a running node, once a second; the demo shows its federation with the same parts."""
