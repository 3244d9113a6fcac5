"""`fednode join` names what no tokens change before it names missing tokens, and before it prints anything."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fednode import site_policy, welcome
from fednode.cli import join as command
from fednode.config import NodeSection
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read import trust
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.errors import FedError
from support.snapshots import ME, OTHER, SEAT, chain

NO_SEAT = chain(settled_seat=replace(SEAT, active_from=0, stake=0), tokens=0)


def said(monkeypatch: pytest.MonkeyPatch, now: Snapshot, refused: str = "") -> str:
    """The error of `join`, in a federation that looks like that and refuses the account with this error."""

    def call(_transaction: Any) -> None:
        if refused:
            raise ContractReverted(refused, {"account": ME, "data": "0x"})

    coordinator = SimpleNamespace(
        address=OTHER,
        token=SimpleNamespace(address=OTHER),
        calls=SimpleNamespace(join=lambda _: SimpleNamespace(call=call)),
    )
    session = SimpleNamespace(
        coordinator=coordinator,
        amounts=Amounts(0, "FED"),
        snapshot=lambda: now,
        address=ME,
        config=SimpleNamespace(chain=None, node=NodeSection()),
    )
    monkeypatch.setattr(command, "open_session", lambda _: nullcontext(session))
    monkeypatch.setattr(trust, "require_known", lambda *_: None)
    monkeypatch.setattr(site_policy, "require_allowed", lambda _: None)
    with pytest.raises(FedError) as error:
        command.join(config=Path("config.toml"))
    return str(error.value)


def test_the_gate_comes_before_the_tokens(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert "the membership gate does not admit" in said(monkeypatch, NO_SEAT, "NotAllowed")
    assert "are needed and" in said(monkeypatch, NO_SEAT)
    assert "Unknown" not in welcome.OWN_REFUSALS
    assert "are needed and" in said(monkeypatch, NO_SEAT, "Unknown"), "nothing is approved yet"
    assert capfd.readouterr().out == ""


def test_a_complete_federation_is_said_before_anything_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    over = replace(NO_SEAT, rounds=(), final_count=3, tokens=10_000)
    assert said(monkeypatch, over).startswith("the federation is complete: no round opens any more")
    assert capfd.readouterr().out == ""
