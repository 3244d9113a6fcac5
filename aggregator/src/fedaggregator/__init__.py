"""A permissionless aggregator: integer FedAvg over verified updates, proposed on-chain."""

from importlib.metadata import version

__version__ = version("fedaggregator")
