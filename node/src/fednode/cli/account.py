"""`fednode account`: the encrypted key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedaggregator.cli.account import account_commands

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from fedprotocol.config import AccountConfig


def _account_in(config: Path) -> AccountConfig:
    from fednode.config import load

    return load(config).account


app = account_commands(ConfigOption, DEFAULT_CONFIG, _account_in)
