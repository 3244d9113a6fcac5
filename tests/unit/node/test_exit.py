"""`fednode exit` speaks of coming rounds and of rewards only where there are any."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fednode.cli import exit as command
from fedprotocol.chain.amounts import Amounts
from support.snapshots import ME, SEAT, chain

OVER: dict[str, Any] = {"final_count": 3, "last_opened": 3}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (OVER | {"settled_owed": 0}, "left: the federation is complete\ntook back 100 FED\n"),
        (OVER | {"settled_owed": 5}, "left: the federation is complete\ntook back 100 FED; rewards: `fednode claim`\n"),
        (
            {"last_opened": 1, "settled_owed": 0},
            "left: this account takes no part from round 2 on\ntook back 100 FED\n",
        ),
    ],
)
def test_what_exit_says(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], changes: dict[str, Any], said: str
) -> None:
    balances = iter((0, 100))
    calls = SimpleNamespace(exit=lambda: None, withdraw=lambda: None)
    token = SimpleNamespace(balance_of=lambda _: next(balances))
    session = SimpleNamespace(
        coordinator=SimpleNamespace(token=token, seat=lambda _: SEAT, calls=calls),
        address=ME,
        amounts=Amounts(0, "FED"),
        send=lambda *_: None,
        snapshot=lambda: chain(**changes),
    )
    monkeypatch.setattr(command, "open_session", lambda _: nullcontext(session))
    command.exit_federation(Path("config.toml"))
    assert capfd.readouterr().out == said
