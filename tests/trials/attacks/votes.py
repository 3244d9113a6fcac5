"""How a round's updates are voted on, and what the nodes say of those that they do not vouch for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from fedprotocol.types import Phase
from support.synthetic import SyntheticClient

from attacks.arena import Arena
from attacks.daemons import Daemon

MARGIN = 60  # seconds before the end of Attest at which nodes give up what they cannot get
PATIENT: dict[str, Any] = {"attestLength": 4 * MARGIN, "node": {"attest_margin": MARGIN}}
"""For `arena.open`: long enough for nodes that share two cores with much else."""


def prior_of(arena: Arena, round_number: int) -> bytes:
    """The root that an honest client's commit names; the round before must have its inputs."""
    before = round_number - 1
    if before == 0 or arena.phase(before).settled:
        return arena.coordinator.latest_final()[1]
    return arena.observer.right(before).root


def refusal(node: Daemon, round_number: int, client: str) -> str:
    """Why a node does not vouch for a client's update, in the words of its log; empty if it has not said so."""
    pattern = rf"round {round_number}: update \d+ of {client}, root \w+, is (?:absent|bad): (.*)"
    found = re.findall(pattern, node.output)
    return found[-1] if found else ""


def refuse(arena: Arena, round_number: int, cheats: Collection[str]) -> None:
    """From Attest on: until every node has named the update of every one of `cheats` and the votes are counted.

    Raises AssertionError unless exactly those are rejected, by the vote of every node.
    """
    arena.wait(
        "every node names every bad update",
        lambda: all(refusal(node, round_number, client) for node in arena.nodes for client in cheats),
    )
    arena.clock.jump(arena.coordinator.round_view(round_number).phase_end - MARGIN)
    arena.reach(round_number, Phase.AGGREGATE, Phase.CHALLENGE)
    assert rejected(arena, round_number) == set(cheats)
    honest = {node.address for node in arena.nodes}
    votes = ballots(arena, round_number)
    for node in arena.nodes:
        assert not votes[node.address] & set(cheats), f"{node.name} vouched for a bad update"
        assert votes[node.address] >= honest, f"{node.name} did not vouch for an honest update"


def play_parts(
    arena: Arena, clients: Sequence[SyntheticClient], round_number: int, no_to: Collection[str] = ()
) -> None:
    """Reveal and attest for clients that have committed, until the votes are counted."""
    arena.reach(round_number, Phase.REVEAL)
    for client in clients:
        client.reveal(round_number)
    arena.reach(round_number, Phase.ATTEST)
    updates = arena.coordinator.updates(round_number)
    for client in clients:
        client.attest(round_number, absent=[i for i, update in enumerate(updates) if update.client in no_to])
    arena.wait("the votes are counted", lambda: arena.phase(round_number) > Phase.ATTEST)


def part_of(arena: Arena, round_number: int, *clients: str) -> tuple[int, int]:
    """How much of a round's revealed weight is theirs, as a fraction in its lowest terms."""
    weights = {update.client: update.weight for update in arena.coordinator.updates(round_number)}
    part = Fraction(sum(weights[client] for client in clients), sum(weights.values()))
    return part.numerator, part.denominator


def rejected(arena: Arena, round_number: int) -> set[str]:
    """The clients whose updates were revealed and not accepted."""
    mask = arena.coordinator.round_view(round_number).accepted_mask
    return {u.client for i, u in enumerate(arena.coordinator.updates(round_number)) if not mask >> i & 1}


def ballots(arena: Arena, round_number: int) -> dict[str, set[str]]:
    """By attester: the clients that its bitmap says yes to."""
    clients = [update.client for update in arena.coordinator.updates(round_number)]
    return {
        event.args["client"]: {client for i, client in enumerate(clients) if event.args["bitmap"] >> i & 1}
        for event in arena.events("Attested", round_number)
    }
