"""`fednode upgrade-notes`: what changed since the version that ran before."""

from __future__ import annotations

from pathlib import Path

from fedaggregator.cli.upgrade_notes import upgrade_notes_command

from fednode import __version__
from fednode.cli.common import DEFAULT_CONFIG, ConfigOption


def _home_in(path: Path) -> Path:
    from fednode.config import load

    return load(path).home


upgrade_notes = upgrade_notes_command(ConfigOption, DEFAULT_CONFIG, _home_in, "fednode", __version__)
