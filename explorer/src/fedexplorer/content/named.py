"""Which trees there are: only roots that the chain names are ever fetched, so that no visitor can have the server look
for anything else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fedprotocol.chain.read.events import Event

from fedexplorer.history.log import Log


class Kind(StrEnum):
    """What a tree is."""

    GENESIS = "genesis"
    UPDATE = "update"
    PROPOSAL = "proposal"


@dataclass(frozen=True)
class Name:
    """Where the chain names a root.

    Args:
        round: the round it belongs to; 0 for the genesis.
        account: whose it is; empty for the genesis.
        index, shift, weight: of an update; 0 otherwise.
    """

    kind: Kind
    root: bytes
    round: int = 0
    account: str = ""
    index: int = 0
    shift: int = 0
    weight: int = 0

    @property
    def is_global(self) -> bool:
        """Whether it has the shape of a global; an update has another."""
        return self.kind is not Kind.UPDATE


def named(event: Event) -> Name | None:
    """The name that a `Revealed` or `Proposed` event gives; None for others."""
    args = event.args
    if event.name == "Revealed":
        return Name(
            Kind.UPDATE, args["root"], args["round"], args["client"], args["index"], args["shift"], args["weight"]
        )
    if event.name == "Proposed":
        return Name(Kind.PROPOSAL, args["root"], args["round"], args["proposer"])
    return None


def names_of(root: bytes, log: Log, genesis: bytes) -> tuple[Name, ...]:
    """Where the chain names a root, in the order of the log; nowhere if it is empty. A root may have several names: a
    copied update, or an aggregate that did not change."""
    found = [Name(Kind.GENESIS, genesis)] if root == genesis else []
    for kind in ("Revealed", "Proposed"):
        found += [name for event in log.named(kind) if event.args["root"] == root and (name := named(event))]
    return tuple(found)
