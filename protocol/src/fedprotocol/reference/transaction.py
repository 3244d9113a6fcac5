"""Turns a method into a transaction."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from fedprotocol.reference.ledger import Ledger
from fedprotocol.reference.state import Event

P = ParamSpec("P")
L = TypeVar("L", bound=Ledger)


def call(method: Callable[Concatenate[L, str, P], None]) -> Callable[Concatenate[L, str, P], list[Event]]:
    """A transaction from `sender`: settles first, returns its events, changes nothing if it raises."""

    def transaction(self: L, sender: str, /, *args: P.args, **kwargs: P.kwargs) -> list[Event]:
        settled = {id(r): r for r in self.rounds.values() if r.settled_at is not None}  # these never change
        saved = copy.deepcopy(vars(self), settled)
        self.log = []
        try:
            self.settle_due(sender)
            method(self, sender, *args, **kwargs)
        except Exception:
            vars(self).update(saved)
            raise
        return self.log

    functools.update_wrapper(transaction, method)
    return transaction
