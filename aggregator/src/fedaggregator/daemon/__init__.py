"""The programs that run for months: one that proposes, one that watches without a key; and how they decide."""
