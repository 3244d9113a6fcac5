"""The commitments, updates and votes of a round, and which updates are accepted (`docs/protocol.md`, "Attest")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fedprotocol.chain.read.events import Event
from fedprotocol.chain.read.penalties import is_unwanted

from fedexplorer.history.records import Commit, Update, Vote, place


def commits_of(events: Sequence[Event], prior_root: bytes | None) -> tuple[Commit, ...]:
    """One for each client, in the order in which they first committed."""
    last: dict[str, Event] = {}
    times: dict[str, int] = {}
    for event in events:
        client = event.args["client"]
        last[client] = event
        times[client] = times.get(client, 0) + 1
    return tuple(
        Commit(
            client=client,
            prior_root=event.args["prior_root"],
            hash=event.args["hash"],
            place=place(event),
            matches=None if prior_root is None else event.args["prior_root"] == prior_root,
            replaced=times[client] - 1,
        )
        for client, event in last.items()
    )


def first_times(commits: Sequence[Event]) -> list[int]:
    """When each client first committed."""
    first: dict[str, int] = {}
    for event in commits:
        first.setdefault(event.args["client"], event.time)
    return list(first.values())


def votes_of(events: Sequence[Event]) -> tuple[Vote, ...]:
    return tuple(Vote(e.args["client"], e.args["bitmap"], place(e)) for e in events)


def updates_of(events: Sequence[Event], votes: Sequence[Vote]) -> tuple[Update, ...]:
    """The updates, in the order of reveals; whether they are accepted is not judged yet."""
    indices = {event.args["client"]: index for index, event in enumerate(events)}
    weights = [event.args["weight"] for event in events]
    yes = list(weights)
    for vote in votes:
        own = indices[vote.client]
        others = vote.bitmap & ~(1 << own)
        while others:
            lowest = others & -others
            yes[lowest.bit_length() - 1] += weights[own]
            others ^= lowest
    return tuple(
        Update(
            index=index,
            client=event.args["client"],
            root=event.args["root"],
            shift=event.args["shift"],
            examples=event.args["examples"],
            weight=event.args["weight"],
            loss_before=event.args["loss_before"],
            loss_after=event.args["loss_after"],
            place=place(event),
            yes=yes[index],
            accepted=None,
        )
        for index, event in enumerate(events)
    )


def unwanted_in(updates: Sequence[Update]) -> set[str]:
    """The clients whose update less than a third of the others' weight vouches for."""
    total = sum(update.weight for update in updates)
    return {update.client for update in updates if is_unwanted(update.yes, update.weight, total)}


def judged(updates: tuple[Update, ...], is_masked: bool) -> tuple[Update, ...]:
    """With the verdicts at the end of Attest: an update is accepted if two thirds of the revealed weight vouch for it,
    and all that are vouched for hold two thirds together; in a masked federation, if that holds for every one."""
    total = sum(update.weight for update in updates)
    vouched = [3 * update.yes >= 2 * total for update in updates]
    weight = sum(update.weight for update, good in zip(updates, vouched, strict=True) if good)
    enough = all(vouched) if is_masked else 3 * weight >= 2 * total
    return tuple(replace(update, accepted=good and enough) for update, good in zip(updates, vouched, strict=True))
