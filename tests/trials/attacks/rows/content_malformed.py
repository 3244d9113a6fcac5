"""Ten colluding clients reveal roots, and their store has something else under each: a CAR cut short, a tree of another
shape, longer leaves, padding that is not zero, a tree without end, bytes without end after the tree, another tree, a
length beyond all bounds, noise, a pipe that sends nothing. They vouch for each other."""

from __future__ import annotations

from functools import partial

from fedaggregator.compute.inputs import delta_shape
from fedprotocol.store.directory import car_path
from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.hostile_cars import hostile_cars
from attacks.votes import PATIENT, prior_of, refusal, refuse

TITLE = "a reveal whose content is malformed"
PLACE = 18
VALUES = 1_792  # of the tiny adapter
PADDED = {"leaf_values": 512}  # they fill three leaves and a half


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, spec=PADDED, **PATIENT)
    config = arena.coordinator.config()
    hostile = hostile_cars(delta_shape(config), config.mantissa_bits, VALUES)
    cheats = [arena.client("cheats", honest=False, examples=6) for _ in hostile]
    for cheat, content in zip(cheats, hostile, strict=True):
        commit_to(cheat, 1, prior_of(arena, 1), content)
        content.serve(car_path(arena.public, content.root))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    arena.clock.in_one_block(*(partial(cheat.reveal, 1, publish=False) for cheat in cheats))
    arena.reach(1, Phase.ATTEST)
    arena.clock.in_one_block(*(partial(cheat.attest, 1) for cheat in cheats))
    refuse(arena, 1, [cheat.address for cheat in cheats])
    for node in arena.nodes:
        for cheat, content in zip(cheats, hostile, strict=True):
            why = refusal(node, 1, cheat.address)
            assert content.named in why, f"{node.name} says {why!r} where {content.named!r} was to be"
    arena.reach(1, Phase.FINAL)
    return (
        f"every node named all {len(cheats)}, said what was wrong with each, and voted against them; none was "
        "accepted, and none got a share"
    )
