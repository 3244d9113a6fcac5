"""Updates are masked. The endpoint of one node lies about who takes part: in one round it shows another key of a
member that the node does not know, in the next another key of a peer of its own."""

from __future__ import annotations

import json
import secrets
from typing import Any

from fedprotocol.types import Phase
from support.proxy import Proxy

from attacks.arena import Arena
from attacks.masked_rounds import commit_last, deliver, impeach, play_along
from attacks.votes import prior_of

TITLE = "masked: an endpoint that shows another set"
PLACE = 57
UNSIGNED = "the transaction behind the commit of {} is signed by"


class Lie:
    """Another 32 bytes in place of those that are `hidden`, wherever they stand."""

    def __init__(self) -> None:
        self.hidden: dict[str, str] = {}

    def hide(self, key: bytes) -> None:
        self.hidden = {key.hex(): secrets.token_hex(32)}

    def __call__(self, answer: dict[str, Any]) -> Any:
        text = json.dumps(answer)
        for true, false in self.hidden.items():
            text = text.replace(true, false)
        return json.loads(text)


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, revealLength=1800)
    guest, lie = arena.hand("guest", honest=True), Lie()
    misled, peer, _ = arena.nodes
    proxy = arena.keep(Proxy(arena.chain.url, response=lie))
    misled.connect(arena.chain.url, proxy.url)
    arena.start()
    commit_last(arena, guest, 1, before=lie.hide)
    play_along(arena, guest, 1)
    judges = impeach(arena, 1)

    arena.wait("all nodes commit", lambda: len(arena.events("Committed", 2)) == len(arena.nodes))
    lie.hide(arena.coordinator.commitment(2, peer.address).hash)
    guest.commit(2, prior_of(arena, 2))
    deliver(arena, guest, 2)
    arena.wait("the node sees through it", lambda: UNSIGNED.format(peer.address) in misled.output)
    assert arena.phase(2) is Phase.REVEAL
    revealed = {update.client for update in arena.coordinator.updates(2)}
    assert misled.address not in revealed
    misled.stop()
    misled.connect(proxy.url, arena.chain.url)
    arena.start(misled)
    arena.reach(2, Phase.ATTEST)
    guest.attest(2)
    arena.reach(2, Phase.AGGREGATE, Phase.CHALLENGE)
    return (
        f"{misled.name} masked for a set that nobody else had, so that its masks opened nothing: the sum was garbage, "
        f"{judges} impeached the round, and nobody paid; about its own peer it was not deceived, because the key was "
        f"not what the account had signed: it revealed nothing until its operator named another endpoint, and round 2 "
        "went through"
    )
