"""The coordinator seen from Python: typed calls, snapshots, events, transactions, keys (web3.py)."""
