"""What `fedaggregator status` says of a daemon that does not run."""

from __future__ import annotations

from typing import Any

import pytest
from fedaggregator.cli.report import as_text
from fedaggregator.daemon.status import Status
from fedprotocol.monitor.last_seen import LastSeen, Look
from fedprotocol.types import Phase
from support.snapshots import chain, state

OVER: dict[str, Any] = {"final_count": 3, "settled_owed": 0}
LAST = Status(
    pid=2**22 + 1,  # no process has it
    account="",
    round=3,
    phase="Final",
    activity="all 3 rounds are final",
    since=0,
    until=0,
    owed=0,
    tokens=0,
    chain_time=0,
    updated=0,
)


@pytest.mark.parametrize("last", [LAST, None], ids=["ran", "never ran"])
@pytest.mark.parametrize(
    ("rounds", "changes", "is_left"),
    [
        ([state(3, Phase.FINAL)], OVER, False),
        ([], {"closed": True, "settled_owed": 0}, False),
        ([state(3, Phase.FINAL)], OVER | {"settled_owed": 5}, True),
        ([state(3, Phase.CHALLENGE)], {"final_count": 2, "settled_owed": 0}, True),
    ],
    ids=["complete", "closed", "owed", "open"],
)
def test_it_says_how_to_start_only_what_has_something_to_do(
    last: Status | None, rounds: list[Any], changes: dict[str, Any], is_left: bool
) -> None:
    seen = LastSeen(coordinator="0x" + "1" * 40, chain=chain(*rounds, **changes), read=0, decimals=0, symbol="FED")
    said = as_text(Look(seen=seen), last)[-1]
    assert ("start it with `fedaggregator run`" in said, "nothing is left to start" in said) == (is_left, not is_left)
