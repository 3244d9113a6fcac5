"""Several RPC endpoints and one truth: what they say about one block is compared before something is sent because of
it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import pairwise

from fedprotocol.chain.endpoint.rpc import FallbackProvider, web3_on
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot, take_snapshot

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for one answer: a deadline may be near
AGAIN_SECONDS = 300.0  # after which an endpoint that did not answer is asked again


class EndpointsDisagree(ChainError):
    """Two RPC endpoints say different things about the same block. Nothing was sent."""


class Agreement:
    """Call it before what cannot be taken back. With one endpoint there is nothing to compare."""

    def __init__(
        self, coordinator: Coordinator, account: str, confirmations: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._account, self._confirmations, self._clock = account, confirmations, clock
        provider = coordinator.web3.provider
        alone = list(provider.each(TIMEOUT)) if isinstance(provider, FallbackProvider) else []
        self._there = {
            name: Coordinator(web3_on(endpoint), coordinator.address, coordinator.chain_id) for name, endpoint in alone
        }
        self._silent: dict[str, float] = {}  # name -> until when it is not asked

    def __call__(self) -> None:
        """Compare what all endpoints that answer say about the newest block that lies deep enough. An endpoint that
        does not have that block yet, or does not answer, does not disagree.

        Raises EndpointsDisagree.
        """
        if len(self._there) < 2:
            return
        heads = dict(self._heads())
        if silent := sorted(self._there.keys() - heads.keys()):
            log.warning("not compared with what does not answer: %s", ", ".join(silent))
        if len(heads) < 2:
            return
        # a newest block that only one endpoint names tells nothing
        block = sorted(heads.values())[-2] - self._confirmations
        snapshots = list(self._snapshots({name: head for name, head in heads.items() if head >= block >= 0}, block))
        for (first, own), (second, other) in pairwise(snapshots):
            if own != other:
                raise EndpointsDisagree(
                    f"{first} and {second} disagree about block {block}: {', '.join(differing(own, other))}; "
                    "one of them is wrong or on another fork: remove it from [chain] rpc. Nothing was sent"
                )

    def _snapshots(self, names: Iterable[str], block: int) -> Iterator[tuple[str, Snapshot]]:
        for name in names:
            try:
                yield name, take_snapshot(self._there[name], self._account, block)
            except ChainError as error:  # it may no longer keep the state of that block
                log.warning("not compared with %s: %s", name, error)

    def _heads(self) -> Iterator[tuple[str, int]]:
        """The answers of all endpoints that answer."""
        for name, there in self._there.items():
            if self._silent.get(name, 0.0) > self._clock():
                continue
            try:
                head = there.head()
            except ChainError:
                self._silent[name] = self._clock() + AGAIN_SECONDS
            else:
                yield name, head


def differing(one: Snapshot, other: Snapshot) -> list[str]:
    """The names of everything that differs, with each field of a round."""
    names = [f.name for f in fields(Snapshot) if f.name != "rounds" and getattr(one, f.name) != getattr(other, f.name)]
    theirs = {state.number: state for state in other.rounds}
    for state in one.rounds:
        names += [f"round {state.number} {name}" for name in _of_round(state, theirs.pop(state.number, None))]
    return names + [f"round {number}" for number in theirs]


def _of_round(one: RoundState, other: RoundState | None) -> list[str]:
    if other is None:
        return ["which one of them lacks"]
    own = [f.name for f in fields(RoundState) if f.name != "view" and getattr(one, f.name) != getattr(other, f.name)]
    return own + [f.name for f in fields(one.view) if getattr(one.view, f.name) != getattr(other.view, f.name)]
