"""The completed proposals of a round, each with its standing and its bond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fedprotocol.chain.read.events import Event

from fedexplorer.history.records import Conviction, Proposal, Standing, place
from fedexplorer.history.settlement import Outcome


def proposals_of(named: Mapping[str, Sequence[Event]], outcome: Outcome) -> tuple[Proposal, ...]:
    """In the order in which they were completed. `named`: the round's events by name."""
    pages = {event.args["proposer"]: event.args["page"] + 1 for event in named["ProposalPaged"]}
    convictions = {event.args["root"]: event for event in named["Convicted"]}
    returned = {event.args["proposer"]: place(event) for event in named["BondReturned"]}
    found = []
    for event in named["Proposed"]:
        args = event.args
        conviction = None
        if (by := convictions.get(args["root"])) is not None:
            bounty = by.args["bounty"]
            conviction = Conviction(by.args["challenger"], bounty, args["bond"] - bounty, place(by))
        found.append(
            Proposal(
                proposer=args["proposer"],
                root=args["root"],
                bond=args["bond"],
                window_end=args["window_end"],
                pages=pages.get(args["proposer"], 0),
                place=place(event),
                standing=_standing(args["root"], conviction, outcome),
                conviction=conviction,
                returned=None if conviction is not None else returned.get(args["proposer"]),
            )
        )
    return tuple(found)


def live_counts(proposed: Sequence[Event], convicted: Sequence[Event]) -> list[tuple[int, int]]:
    """How many proposals are live, from each time at which one was completed or convicted."""
    changes = [(event.block, event.log_index, event.time, 1) for event in proposed]
    changes += [(event.block, event.log_index, event.time, -1) for event in convicted]
    count, found = 0, []
    for _, _, time, change in sorted(changes):
        count += change
        found.append((time, count))
    return found


def _standing(root: bytes, conviction: Conviction | None, outcome: Outcome) -> Standing:
    if conviction is not None:
        return Standing.CONVICTED
    if outcome.at is None:
        return Standing.LIVE
    return Standing.FINAL if root == outcome.root else Standing.LOST
