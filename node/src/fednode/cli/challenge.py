"""`fednode challenge`: convict wrong proposals and impeach garbage by hand, or see what it would cost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.case_costs import cost_lines, costs_of
from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedaggregator.compute.garbage import Garbage
    from fedaggregator.disputes.evidence import Examined
    from fedprotocol.chain.read.snapshot import RoundState, Snapshot

    from fednode.session import Session

Found = tuple[dict[str, Any], list[str]]
"""What was found and done, as JSON and in words. Amounts are in token units."""
NOT_SENT = "  dry run: nothing was sent"


def challenge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which calls it takes and what they would cost.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Recompute every proposal that may still win, convict those that are wrong, and collect half of their bonds. A
    masked round whose updates add up to garbage is made void, for which nobody is paid.

    A running node does this by itself. Stop the node first; with --dry-run it may keep running.
    """
    from fedprotocol.chain.read.trust import require_known

    found: list[dict[str, Any]] = []
    with open_session(config) as session:
        if not dry_run:
            require_known(session.coordinator, session.config.chain)
            _ = session.sender  # a running node is noticed before anything is fetched
        session.config.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=session.config.home, prefix="challenge-") as scratch:
            for state in _rounds(session.snapshot()):
                for entry, lines in _looked_at(session, state, Path(scratch), dry_run):
                    found.append(entry)
                    if not as_json:
                        say(*lines)
    if as_json:
        print_json(found)
    elif not found:
        say("no proposal stands in an open window")


def _rounds(chain: Snapshot) -> list[RoundState]:
    """The rounds with proposals that may still win. A masked round can be impeached before there is one, too."""
    from fedprotocol.types import Phase

    phases = {Phase.CHALLENGE, Phase.AGGREGATE} if chain.config.is_masked else {Phase.CHALLENGE}
    return [state for state in chain.rounds if state.view.phase in phases]


def _looked_at(session: Session, state: RoundState, scratch: Path, dry_run: bool) -> Iterator[Found]:
    from fedaggregator.compute.garbage import Garbage
    from fedaggregator.disputes.evidence import examine

    try:
        for examined in examine(session.events, session.store, state, scratch):
            yield _proposal(session, state.number, examined, dry_run)
    except Garbage as garbage:
        yield _garbage(session, state, garbage, dry_run)


def _proposal(session: Session, number: int, examined: Examined, dry_run: bool) -> Found:
    from fedaggregator.disputes.judge import Right, Wrong
    from fedprotocol.tree import cid

    proposal, case, verdict = examined.proposal, examined.case, examined.verdict
    entry: dict[str, Any] = {
        "round": number,
        "root": "0x" + proposal.root.hex(),
        "proposer": proposal.proposer,
        "right": isinstance(verdict, Right),
        "why": verdict.unreadable if isinstance(verdict, Wrong) else "",
    }
    lines = [f"round {number}: {cid(proposal.root)} of {proposal.proposer} {verdict}"]
    if case is None:
        return entry, lines
    bounty = proposal.bond // 2
    entry |= {
        "leaf": case.wrong.leaf,
        "expected": "0x" + case.wrong.expected.hex(),
        "claimed": "0x" + case.wrong.claimed.hex(),
        **costs_of(session, case),
        "bounty": bounty,
    }
    lines += cost_lines(entry, f"the bounty is {session.amounts(bounty)}")
    if dry_run:
        return entry, [*lines, NOT_SENT]
    entry |= _convict(session, examined)
    if not entry["convicted"]:
        return entry, [*lines, "  not live any more: somebody else convicted it, or its window is over"]
    received = session.amounts(entry["received"])
    return entry, [*lines, f"  CONVICTED with {entry['gas_used']:,} gas; received {received}"]


def _convict(session: Session, examined: Examined) -> dict[str, Any]:
    from fedaggregator.disputes.convict import convict

    assert examined.case is not None  # noqa: S101 - the caller looked
    conviction = convict(session.coordinator, session.sender, examined.case)
    if not conviction.convicted:
        return {"convicted": False, "gas_used": conviction.gas, "received": 0}
    token, account = session.coordinator.token, session.address
    before = token.balance_of(account)
    session.sender.send(session.coordinator.calls.claim(), "claim")
    return {"convicted": True, "gas_used": conviction.gas, "received": token.balance_of(account) - before}


def _garbage(session: Session, state: RoundState, garbage: Garbage, dry_run: bool) -> Found:
    from fedaggregator.disputes.convict import convict
    from fedaggregator.disputes.evidence import gather_impeachment
    from fedprotocol.store.deadline import Deadline

    case = gather_impeachment(session.coordinator, session.store, state, garbage.leaf, Deadline())
    entry = {"round": state.number, "garbage": True, "leaf": garbage.leaf, **costs_of(session, case)}
    lines = [f"round {state.number}: GARBAGE: {garbage}"]
    lines += cost_lines(entry, "nobody is paid for it, and all bonds go back")
    if dry_run:
        return entry, [*lines, NOT_SENT]
    done = convict(session.coordinator, session.sender, case)
    entry |= {"impeached": done.convicted, "gas_used": done.gas}
    if not done.convicted:
        return entry, [*lines, "  not open any more: somebody else impeached it, or it is settled"]
    return entry, [*lines, f"  IMPEACHED with {done.gas:,} gas: the round is void"]
