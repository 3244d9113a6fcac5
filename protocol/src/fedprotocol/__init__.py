"""What every part of a federation agrees on: numbers, tree, CAR, spec, stores, chain, journal."""

from importlib.metadata import version

__version__ = version("fedprotocol")
