"""A permissionless aggregator: integer FedAvg over verified updates, proposed on-chain."""
