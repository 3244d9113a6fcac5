"""A round's history from its events (`docs/protocol.md`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fedprotocol.chain.read.events import Event
from fedprotocol.chain.read.penalties import is_refused
from fedprotocol.types import FederationConfig, Phase, RoundView, VoidReason

from fedexplorer.history.phases import Acts, as_seen, phases
from fedexplorer.history.proposals import live_counts, proposals_of
from fedexplorer.history.records import RoundHistory, Span, place
from fedexplorer.history.settlement import Outcome, payments_of, penalties_of
from fedexplorer.history.updates import commits_of, first_times, judged, unwanted_in, updates_of, votes_of


def read_round(
    number: int,
    events: Sequence[Event],
    config: FederationConfig,
    before: RoundHistory | None,
    now: int,
    view: RoundView | None = None,
) -> RoundHistory:
    """The history of round `number` as of `now`.

    Args:
        events: all that name the round, in the order of the log, its opening among them.
        before: the round before; None for the first.
        view: what the contract's lens says of the round at `now`. It knows before the log if time has settled the
            round.
    """
    named: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        named[event.name].append(event)
    opened = named["RoundOpened"][0]
    outcome = Outcome.of(named, view)
    prior_settled, last_root = (0, config.genesis_root) if before is None else (before.settled_at, before.root_after)
    prior_root = None if outcome.reason is VoidReason.PRIOR_VOID else last_root

    commits = commits_of(named["Committed"], prior_root)
    votes = votes_of(named["Attested"])
    updates = updates_of(named["Revealed"], votes)
    proposals = proposals_of(named, outcome)
    live = [proposal for proposal in proposals if proposal.conviction is None]
    acts = Acts(
        opened=opened.time,
        train_end=opened.args["train_end"],
        active=opened.args["active"],
        commits=first_times(named["Committed"]),
        matching=None if prior_root is None else sum(commit.matches is True for commit in commits),
        prior_settled=prior_settled,
        reveals=[update.place.time for update in updates],
        votes=[vote.place.time for vote in votes],
        live=live_counts(named["Proposed"], named["Convicted"]),
        oldest_window=live[0].window_end if live else None,
        settled=None if outcome.at is None else (outcome.at, Phase.FINAL if outcome.root else Phase.VOID),
    )
    spans = phases(acts, config, now)
    if outcome.at is None and view is not None:
        spans = as_seen(spans, view)
    if _is_counted(spans, outcome):
        updates = judged(updates, config.is_masked)

    reserved = opened.args["reserved"]
    revealed, attested = {update.client for update in updates}, {vote.client for vote in votes}
    unwanted = unwanted_in(updates) if config.is_masked else set()
    matching = {commit.client for commit in commits if commit.matches}
    if config.is_masked and is_refused(len(revealed), len(matching), opened.args["active"]):
        revealed = matching  # it is no fault of the others
    payments = payments_of(reserved, config.aggregator_bps, outcome, updates, attested, named["Rewarded"])
    paid = sum(payment.amount for payment in payments)
    to_aggregator = payments[0].amount if payments else 0
    return RoundHistory(
        number=number,
        opened=place(opened),
        active=opened.args["active"],
        reserved=reserved,
        train_end=opened.args["train_end"],
        phases=spans,
        prior_root=prior_root,
        root_after=None if outcome.at is None else outcome.root or last_root,
        commits=commits,
        updates=updates,
        votes=votes,
        proposals=proposals,
        total_weight=sum(update.weight for update in updates),
        global_root=outcome.root,
        aggregator=outcome.aggregator,
        void_reason=outcome.reason,
        settled_at=outcome.at,
        settled=outcome.written,
        aggregator_reward=to_aggregator,
        client_rewards=paid - to_aggregator,
        returned_to_pool=0 if outcome.at is None else reserved - paid,
        payments=payments,
        penalties=penalties_of(config.penalty, outcome, commits, revealed, attested, unwanted, named["Penalized"]),
    )


def _is_counted(spans: Sequence[Span], outcome: Outcome) -> bool:
    """Whether the round came to the end of Attest. Its later phases may have taken no time."""
    phases = {span.phase for span in spans}
    return outcome.reason in (VoidReason.TOO_FEW_ACCEPTED, VoidReason.GARBAGE) or bool(
        phases & {Phase.AGGREGATE, Phase.CHALLENGE, Phase.FINAL}
    )
