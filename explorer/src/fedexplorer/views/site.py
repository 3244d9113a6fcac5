"""What every page is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedexplorer.follow.state import State

if TYPE_CHECKING:
    from fedprotocol.chain.read.events import Event
    from web3.types import LogReceipt

    from fedexplorer.content.content import Content
    from fedexplorer.disputes.disputes import Disputes
    from fedexplorer.scores import Score
    from fedexplorer.transactions.shelf import Transactions


@dataclass(frozen=True)
class Site:
    """The state of the federation at one moment, and what the person who runs the explorer has added.

    Args:
        names: what accounts are called, by checksummed address.
        title: what the federation is called; empty for its address.
        scores: evaluations of globals that somebody measured, by round.
        entry: the log entry of an event as it stands on the chain, from the event index; None if it is gone.
        transactions: transactions and blocks, which are read when somebody first wants them; None if the explorer has
            no chain beside what it knows already.
        content: updates and globals from the store; None if the explorer was given no store.
        disputes: convictions, replayed; None without a store.
        store_problem: why content cannot be fetched now; empty if it can, or if there is no store.
    """

    state: State
    names: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    scores: Mapping[int, Score] = field(default_factory=dict)
    entry: Callable[[Event], LogReceipt | None] = lambda _: None
    transactions: Transactions | None = None
    content: Content | None = None
    disputes: Disputes | None = None
    store_problem: str = ""
