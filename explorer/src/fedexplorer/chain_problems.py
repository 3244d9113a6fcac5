"""Why the chain cannot be read, as visitors are told. The log has the whole error, which names the Ethereum node."""

from __future__ import annotations

from fedprotocol.chain.errors import ChainUnreachable, NoContract, NotACoordinator, RpcRefused, WrongChain

SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (ChainUnreachable, "The Ethereum node that this explorer reads does not answer."),
    (WrongChain, "The Ethereum node that this explorer reads serves another chain."),
    (NoContract, "There is no contract at the coordinator's address."),
    (NotACoordinator, "The contract at the address is no coordinator of a federation."),
    (RpcRefused, "The Ethereum node that this explorer reads refuses what it is asked."),
)
OTHER = "The chain cannot be read; the explorer's log says why."


def for_visitors(error: Exception) -> str:
    """A sentence that names no machine."""
    return next((text for kind, text in SENTENCES if isinstance(error, kind)), OTHER)
