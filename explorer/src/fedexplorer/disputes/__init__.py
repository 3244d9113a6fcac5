"""A conviction, done again step by step from the chain and the store."""
