"""The coordinator's rules in plain Python: the time is passed in, and there is no chain. Tests compare the contract
with it."""

from fedprotocol.reference.federation import Federation
from fedprotocol.reference.state import Event

__all__ = ["Event", "Federation"]
