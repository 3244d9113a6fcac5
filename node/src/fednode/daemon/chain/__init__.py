"""What a node sends to the chain: commits, reveals, attestations, proposals, challenges, and what collects money."""
