"""The coordinator as a pure machine: injected time, no chain. The contract is held against it in tests."""

from fedprotocol.reference.federation import Federation
from fedprotocol.reference.state import Event

__all__ = ["Event", "Federation"]
