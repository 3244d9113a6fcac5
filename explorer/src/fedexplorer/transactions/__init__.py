"""Transactions, their receipts and their blocks: fetched when they are first wanted, and kept on disk."""
