"""Saying on the chain where this site's content can be read from."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.peer_directory import PeerDirectory
from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, Overtaken
from fednode.daemon.facts import Facts

log = logging.getLogger("fednode")

SECONDS = 60  # of the chain: what else is to be sent stands behind it


@dataclass(frozen=True)
class Announce(ChainAction):
    """Make `text`, a place in a line, what the peer directory says of this account; empty: nothing."""

    text: str
    is_waited_for = False

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Announce]:
        """While the account has a seat, and whenever the config has changed."""
        wanted = facts.configured.announcement
        if wanted not in (None, facts.remembered.announced) and chain.my_seat.active_from and not chain.is_over:
            yield Announce(wanted)

    def describe(self) -> str:
        return "announcing where its content is served"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        directory = PeerDirectory(tools.coordinator)
        if not directory.is_there():
            raise Overtaken(
                "this chain has no peer directory, which a deployment makes: others must name this store in "
                "[store] peers"
            )
        said = directory.said_by(tools.sender.address)
        if said != self.text:
            tools.sender.send(directory.announce(self.text), "announce", chain.time + SECONDS)
            log.info("announced: %s", ", ".join(self.text.splitlines()) or "nothing any more")
        tools.memory.note_announced(self.text)
