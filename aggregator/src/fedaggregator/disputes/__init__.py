"""Whether a proposal is wrong, and what it takes to convict it on the chain."""
