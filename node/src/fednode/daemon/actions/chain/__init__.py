"""What a node sends to the chain: commits, reveals, attestations, proposals, challenges, and the collection of
money."""
