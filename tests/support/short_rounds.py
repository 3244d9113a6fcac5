"""A federation file whose rounds last seconds, and the windows of proposals, which nobody waits for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.types import Phase
from support.evm import Chain

SHORT = {  # of federation.example.toml; the last one names where the spec is served
    'challenge = "2h" ': 'challenge = "1m" ',
    'min_window = "30m"': 'min_window = "10s"',
    'block_time = "12s"': 'block_time = "1s" ',
    "# peers = [": "peers = [",
}


def edit(file: Path, changes: Mapping[str, str]) -> None:
    """Replace each text, which must stand in the file once."""
    text = file.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1, (file, old)
        text = text.replace(old, new)
    file.write_text(text)


def skip_windows(chain: Chain, coordinator: Coordinator) -> None:
    """Go on in time where a proposal waits for its window, in which nobody will challenge it."""
    last = coordinator.last_opened()
    for number in range(max(1, last - 1), last + 1):
        view = coordinator.round_view(number)
        if view.phase is Phase.AGGREGATE and coordinator.proposals(number):
            chain.set_time(chain.now() + 10)
