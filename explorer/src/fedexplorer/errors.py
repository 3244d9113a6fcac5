"""What can be wrong with what a visitor asks for."""

from __future__ import annotations

from fedprotocol.errors import FedError


class NotThere(FedError):
    """There is no such page. The message says what there is instead."""


class NotYet(FedError):
    """The page cannot be shown now: what it needs is still being read, or cannot be read. The message says what."""
