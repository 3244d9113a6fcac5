"""What is read from the chain: contracts, snapshots, events. Nothing here needs a key."""
