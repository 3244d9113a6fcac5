"""From the config to the recipients of figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version

from fedprotocol.chain.account.signer import address_of
from fedprotocol.errors import FedError
from fedprotocol.files.private import private_folder
from fedprotocol.files.secret import secret_in
from fedprotocol.program.logs import hide

from fednode.config import NodeConfig
from fednode.tracking.chapters import Chapter
from fednode.tracking.permission import allow_and_note, known_spec
from fednode.tracking.recipient import Recipient
from fednode.tracking.tracker import Run, TrackerError, open_tracker


def recipients(config: NodeConfig) -> list[Recipient]:
    """One for each tool that the config names. Raises TrackerError: a key cannot be read, or is not
    private; OSError."""
    private_folder(config.tracked)
    return [_recipient(config, tool) for tool in config.track.to]


def _recipient(config: NodeConfig, tool: str) -> Recipient:
    server = config.track.servers.get(tool)
    run = Run(
        folder=config.tracked / tool,
        project=config.track.project or _project(config),
        name=config.track.run or _name(config),
        id="",
        server=None if server is None else server.server,
        key=_key(config, tool),
        about={
            "program": f"fednode {version('fednode')}",
            "chain": str(config.chain.chain_id),
            "coordinator": config.chain.coordinator,
        },
    )
    if server is None:
        return Recipient(tool, run, open_tracker)

    def allow(chapters: Sequence[Chapter]) -> None:
        allow_and_note(config, server.server, chapters)

    return Recipient(tool, run, open_tracker, allow)


def _key(config: NodeConfig, tool: str) -> str | None:
    server = config.track.servers.get(tool)
    if server is None or server.key_file is None:
        return None
    key = secret_in(server.key_file, f"[track] {tool}.key_file", TrackerError).strip()
    hide(key)
    return key


def _project(config: NodeConfig) -> str:
    """The federation's name, of letters that every tool takes."""
    name = ""
    with suppress(FedError):
        name = known_spec(config)[0].name
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")[:100] or "federation"


def _name(config: NodeConfig) -> str:
    with suppress(FedError):
        return str(address_of(config.account))[:10]
    return "node"
