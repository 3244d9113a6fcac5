"""Updates are masked. The process of a node is killed (SIGKILL) in the middle of training, and after each thing that it
does in the round: commit, fix the members, mask, reveal, publish. Each time it is started again."""

from __future__ import annotations

import time

from fednode.masking.site_journal import MaskJournal
from fedprotocol.journal import Journal
from fedprotocol.types import Phase

from attacks.arena import PATIENCE, Arena
from attacks.daemons import Daemon
from attacks.masked_rounds import IN_ATTEST, served

TITLE = "masked: a node killed at each step"
PLACE = 59
DEPTH = 3  # blocks, so that what rests on reveals has to wait for them
STEPS = (
    "loading the base model",
    "round 1: committed",
    "round 1: masks are for these",
    "round 1: masked with weight",
    "round 1: revealed",
    "round 1: published",
)


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, confirmations=DEPTH, revealLength=1800, attestLength=1800)
    victim, sets, keys, said, kills = arena.nodes[0], set[bytes](), set[bytes](), "", 0
    arena.start()
    for step in STEPS:
        if step in said:  # it came before the kill after the last one
            continue
        _wait(arena, victim, step)
        victim.kill()
        kills += 1
        said += victim.output
        _remember(victim, sets, keys)
        victim.start()
    arena.reach(1, Phase.FINAL)
    assert kills >= len(STEPS) - 1, f"it was killed {kills} times alone"
    assert len(sets) == 1, f"{len(sets)} sets of members in one round"
    assert len(keys) == 1, f"{len(keys)} keys in one round"
    for name in ("Committed", "Revealed", "Attested"):
        mine = [event for event in arena.events(name, 1) if event.args["client"] == victim.address]
        assert len(mine) == 1, f"{len(mine)} times {name}"
    assert arena.coordinator.round_view(1).accepted_mask == 0b111
    return (
        f"{victim.name} was killed {kills} times; it made one key and fixed one set, sent each of its transactions "
        "once, and published nothing before all had revealed; its update is in the round's global, and it is paid"
    )


def _wait(arena: Arena, victim: Daemon, step: str) -> None:
    """Until the node's log says so, looking often. Raises AssertionError if it has published too early."""
    deadline = time.monotonic() + PATIENCE
    while step not in victim.output:
        assert time.monotonic() < deadline, f"{step}: not after {PATIENCE:.0f} s"
        early = victim.name in served(arena, 1) and arena.phase(1) not in IN_ATTEST
        assert not early, "it published before all had revealed"
        time.sleep(0.01)


def _remember(victim: Daemon, sets: set[bytes], keys: set[bytes]) -> None:
    """What the journal of the dead process has of round 1."""
    journal = Journal(victim.folder / "home/journal.sqlite")
    try:
        masks = MaskJournal(journal)
        keys.update(key.public for key in masks.keys(1))
        fixed = masks.fixed(1)
        if fixed is not None:
            sets.add(fixed.transcript)
    finally:
        journal.close()
