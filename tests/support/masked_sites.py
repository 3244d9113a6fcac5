"""Real nodes of a masked federation in the test's own process, turned by hand, on a tiny real model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from fednode.cli.common import open_session
from fednode.daemon.actions import registry as do
from fednode.daemon.loop import Daemon
from fednode.session import Session
from fednode.sponsor.new_spec import NewFederation
from fedprotocol.masks.document import Masking
from fedprotocol.spec import dump_spec
from support.evm import Anvil
from support.in_process_nodes import running
from support.sites import Prepared, Site, Sites

SCALE, BOUND = 5, 20_000


class MaskedSites(Sites):
    """`count` sites with seats, each of which names all the others as its peers. `said`: what the last one read before
    it took its seat."""

    def __init__(
        self, chain: Anvil, folder: Path, model: Path, count: int = 3, factors: str = "both", **overrides: Any
    ) -> None:
        rule = chain.deploy("MaskedMean", SCALE, BOUND).address
        gate = chain.deploy("GateMock").address
        terms = {"rule_at": rule, "gate": gate, "mantissaBits": 32, "maxShift": 0, "minClients": 3, "maxClients": 8}
        trusted = ["0x" + keccak(chain.web3.eth.get_code(address)).hex() for address in (rule, gate)]
        config = {"data": {"test": None}, "chain": {"trusted_code": trusted}}
        super().__init__(
            chain, folder, count, config, None, masked(Prepared.on(model), factors), **{**terms, **overrides}
        )
        for site in self.sites:
            others = [other.account.address for other in self.sites if other is not site]
            with site.config.open("a") as file:
                file.write(f"[private]\npeers = {json.dumps(others)}\nat_least = 2\n")
            self.said = site.command("join").stdout


def masked(prepared: Prepared, factors: str = "both") -> Prepared:
    """The same federation, with masked updates, in which these factors of LoRA are trained."""
    old = prepared.spec.spec
    spec = type(old).model_validate(
        {
            **old.model_dump(),
            "rule": "masked-mean",
            "lora": {**old.lora.model_dump(), "factors": factors},
            "layout": {**old.layout.model_dump(), "mantissa_bits": 32, "parts": 1},
            "bounds": {**old.bounds.model_dump(), "max_shift": 0},
            "masking": Masking(scale=SCALE, bound=BOUND).model_dump(),
        }
    )
    return replace(prepared, spec=NewFederation(spec, dump_spec(spec), prepared.spec.genesis))


class Turned:
    """One site's node; `restart` ends it and starts another on what lies on the disk."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.did: list[do.Action] = []
        self._open = ExitStack()
        self.restart()

    def restart(self) -> None:
        self.close()
        self.session: Session = self._open.enter_context(open_session(self.site.config))
        self.daemon: Daemon = self._open.enter_context(running(self.session))

    def close(self) -> None:
        self._open.close()

    def turn(self) -> do.Action | None:
        action = self.daemon._cycle()
        if action is not None and not isinstance(action, do.Wait):
            self.did.append(action)
        return action

    def committed(self, number: int) -> bool:
        return any(self.session.coordinator.commitment(number, self.address).hash)

    @property
    def address(self) -> str:
        return self.site.account.address


def commit_in_turn(
    nodes: list[Turned], number: int, after: Callable[[Turned, do.Action | None], None] = lambda *_: None
) -> None:
    """Each node trains for the round and commits, one after the other: no two threads load a model in one process."""
    for node in nodes:
        turn_until([node], lambda node, _: node.committed(number), after=after)


def turn_until(
    nodes: list[Turned],
    reached: Callable[[Turned, do.Action | None], bool],
    seconds: float = 120,
    after: Callable[[Turned, do.Action | None], None] = lambda *_: None,
) -> None:
    """Turn all loops, one after the other, until one does what is `reached`. `after` is called after each turn."""
    deadline = time.monotonic() + seconds
    while True:
        for node in nodes:
            action = node.turn()
            after(node, action)
            if reached(node, action):
                return
        assert time.monotonic() < deadline, (
            f"it did not come to it: {[node.daemon._reporter._activity for node in nodes]}"
        )
        time.sleep(0.02)
