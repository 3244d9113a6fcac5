"""The coordinator as a pure machine: injected time, no chain. The contract is held against it in tests."""

from fedprotocol.round.federation import Federation
from fedprotocol.round.state import Event

__all__ = ["Event", "Federation"]
