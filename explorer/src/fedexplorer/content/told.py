"""What is wrong, in words that strangers may read: no path, address or name of what the explorer reads from."""

from __future__ import annotations

import logging

from fedaggregator.compute.garbage import Garbage
from fedaggregator.compute.merge import MergeError
from fedaggregator.disputes.judge import DisputeError
from fedaggregator.disputes.proposed_leaves import ProposalUnreadable
from fedaggregator.rules import RuleError
from fedprotocol.chain.errors import ChainError
from fedprotocol.errors import FedError
from fedprotocol.spec import SpecError, SpecMismatch
from fedprotocol.store.base import Malformed, NotFound, Stopped, StoreError
from fedprotocol.tree import TreeError

log = logging.getLogger(__name__)


class Told(FedError):
    """An error whose message may be shown to anybody."""


PLAIN = (Told, SpecError, SpecMismatch, RuleError, MergeError, Garbage, DisputeError, TreeError)
"""What these say is about numbers and documents that everybody can read."""

WORDS: tuple[tuple[type[FedError], str], ...] = (
    (NotFound, "nobody whom this explorer can ask serves it now"),
    (Malformed, "what is served under this root is not what the chain names, so it is not shown"),
    (Stopped, "the explorer is being stopped"),
    (StoreError, "the explorer's store cannot be used now"),
    (ProposalUnreadable, "the part of the chain's log that has the fingerprints of this proposal cannot be read"),
    (ChainError, "the Ethereum node that this explorer reads did not answer as it should"),
    (FedError, "it failed here for a reason that the explorer's log describes"),
)


def told(error: FedError, where: str = "content") -> str:
    """A sentence for strangers, without a full stop. What the error itself says is written to the log, as of
    `where`."""
    if isinstance(error, PLAIN):
        return " ".join(str(error).split())
    log.info("%s: %s", where, error)
    return next(words for kind, words in WORDS if isinstance(error, kind))
