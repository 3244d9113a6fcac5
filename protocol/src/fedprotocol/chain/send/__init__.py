"""Transactions: written, paid for, sent, and followed until they are final."""
