"""The federation at a glance: what goes on, what comes next, how well it learns, what the pool still pays for."""

from __future__ import annotations

from collections.abc import Mapping

from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.errors import FedError
from fedprotocol.types import Phase, VoidReason

from fedexplorer.history.all_rounds import Rounds
from fedexplorer.scores import Score
from fedexplorer.views.event_row import EventRow, event_row
from fedexplorer.views.next_step import what_comes_next, what_goes_on
from fedexplorer.views.rule_words import rule_in_words
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, Named, View

LAST_EVENTS = 12
STEPS = (Phase.TRAIN, Phase.REVEAL, Phase.ATTEST, Phase.AGGREGATE, Phase.CHALLENGE, Phase.FINAL)


class LiveRound(Model):
    """A round that is not settled, or the last one that was."""

    number: int
    phase: Named[Phase]
    void_reason: Named[VoidReason]
    phase_start: int
    phase_end: int  # 0: no clock ends it
    says: str
    active: int
    committed: int
    matching: int
    revealed: int
    attested: int
    accepted: int
    proposals: int
    convicted: int

    @property
    def progress(self) -> tuple[str, int, int] | None:
        """What is counted in this phase: its name, how many there are, of how many."""
        match self.phase:
            case Phase.TRAIN:
                return "committed", self.committed, self.active
            case Phase.REVEAL:
                return "revealed", self.revealed, self.matching
            case Phase.ATTEST:
                return "attested", self.attested, self.revealed
            case _:
                return None


class Learned(Model):
    """How well a global does. `loss_before` and `loss_after` are the means, by weight, of what the clients report
    of their training; `test_loss` and `accuracy` were measured by whoever runs this explorer.
    """

    round: int
    loss_before: float | None
    loss_after: float | None
    test_loss: float | None
    accuracy: float | None


class Trained(Model):
    """What is trained, from the federation's document: `adapter` is the kind of adapter on the base model."""

    name: str
    base_model: str
    adapter: str
    values: int
    classes: int  # that the model tells apart; 0 if it writes freely


class FederationPage(Model):
    """The federation now. `has_updates`: at least one was revealed."""

    coordinator: str
    chain_id: int
    title: str
    rule: str
    rule_says: str
    is_masked: bool
    has_updates: bool
    trained: Trained | None
    spec_digest: Hex
    sponsor: str
    time: int
    block: int
    events_to: int
    opened: int
    final: int
    total: int
    is_over: bool
    is_closed: bool
    rounds: tuple[LiveRound, ...]
    next: str
    active: int
    seats: int
    pool: int
    reserved: int
    round_reward: int
    pays_for: int
    learned: tuple[Learned, ...]
    convictions: int
    last_events: tuple[EventRow, ...]


def build(site: Site) -> FederationPage:
    """The federation at a glance."""
    state, snapshot = site.state, site.state.snapshot
    config, pool = state.federation.config, snapshot.balances.pool
    left = max(0, config.total_rounds - snapshot.final_count)
    pays_for = min(left, pool // config.round_reward) if config.round_reward else left
    return FederationPage(
        coordinator=state.federation.coordinator,
        chain_id=state.federation.chain_id,
        title=site.title,
        rule=state.federation.rule,
        rule_says=rule_in_words(state.federation.rule),
        is_masked=config.is_masked,
        has_updates=any(history.updates for history in state.rounds.all),
        trained=_trained(site),
        spec_digest=config.spec_digest,
        sponsor=config.sponsor,
        time=snapshot.time,
        block=state.head,
        events_to=state.events_to,
        opened=snapshot.last_opened,
        final=snapshot.final_count,
        total=config.total_rounds,
        is_over=snapshot.is_over,
        is_closed=snapshot.closed,
        rounds=tuple(_live(site, found) for found in reversed(snapshot.rounds)),
        next=what_comes_next(snapshot.final_count, config, pays_for, snapshot.closed, snapshot.active_count),
        active=snapshot.active_count,
        seats=config.max_clients,
        pool=pool,
        reserved=snapshot.balances.reserved,
        round_reward=config.round_reward,
        pays_for=pays_for,
        learned=learned(state.rounds, site.scores),
        convictions=len(state.log.named("Convicted")),
        last_events=tuple(event_row(event) for event in state.log.last(LAST_EVENTS)),
    )


def _trained(site: Site) -> Trained | None:
    """None while the document is not here."""
    if site.content is None:
        return None
    try:
        known = site.content.spec().result
    except FedError:
        return None
    if known is None:
        return None
    spec = known.spec
    return Trained(
        name=spec.name,
        base_model=spec.base_model.id,
        adapter=f"LoRA of rank {spec.lora.r} on {', '.join(spec.lora.target_modules)}",
        values=spec.layout.value_count,
        classes=len(spec.evaluation.classes or ()),
    )


def _live(site: Site, found: RoundState) -> LiveRound:
    view = found.view
    return LiveRound(
        number=found.number,
        phase=view.phase,
        void_reason=view.void_reason,
        phase_start=view.phase_start,
        phase_end=view.phase_end,
        says=what_goes_on(found.number, view, site.state.federation.config),
        active=view.active,
        committed=view.committed,
        matching=view.matching,
        revealed=view.revealed,
        attested=view.attested,
        accepted=view.accepted_mask.bit_count(),
        proposals=view.live,
        convicted=view.convicted,
    )


def learned(rounds: Rounds, scores: Mapping[int, Score]) -> tuple[Learned, ...]:
    """One entry for each round with reveals or with a score, in order."""
    losses = {history.number: found for history in rounds.all if (found := history.mean_losses) is not None}
    entries = []
    for number in sorted(losses.keys() | scores.keys()):
        before, after = losses.get(number, (None, None))
        score = scores.get(number)
        entries.append(
            Learned(
                round=number,
                loss_before=before,
                loss_after=after,
                test_loss=score.loss if score else None,
                accuracy=score.accuracy if score else None,
            )
        )
    return tuple(entries)


def _curve(page: FederationPage) -> Csv:
    names = ("round", "loss_before", "loss_after", "test_loss", "accuracy")
    return Csv(names, ([getattr(entry, name) for name in names] for entry in page.learned))


FEDERATION = View("federation", "/", build, tables={"learned": _curve})
