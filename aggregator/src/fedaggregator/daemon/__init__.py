"""The programs that run for months: the aggregator, the watchtower, and the observer without a key; and how they
decide."""
