"""`fednode config check`: what the node's config file comes to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedaggregator.cli.config_check import config_commands

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from fedprotocol.config import ConnectionConfig


def _config_in(path: Path) -> ConnectionConfig:
    from fednode.config import load

    return load(path)


app = config_commands(ConfigOption, DEFAULT_CONFIG, _config_in)
