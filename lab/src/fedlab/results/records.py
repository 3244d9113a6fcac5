"""The records of a run. Losses are mean nats per answer token, accuracies 0..1, gas in units of gas, money in token
units."""

from __future__ import annotations

from typing import Annotated, Any

from fedprotocol.errors import FedError
from fedprotocol.strict import Hex32
from pydantic import BaseModel, ConfigDict, Field, model_validator

Loss = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class ResultsError(FedError):
    """A results folder is missing, exists already, or contains something that this module did not write."""


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Score(Record):
    """The score of a model on a set of test items. `accuracy` is None if the spec names no classes."""

    loss: Loss
    accuracy: Share | None
    items: Count


class RoundRecord(Record):
    """One final round; round 0 is the genesis adapter, which nobody was paid for."""

    round: Count
    root: Hex32
    cid: str
    global_loss: Loss
    global_accuracy: Share | None
    by_domain: dict[str, Score]
    weights: dict[str, Count]  # client id -> weight of its accepted update
    bytes: dict[str, Count]  # client id -> bytes of its published update
    gas: Count  # gas of all transactions that belong to the round
    recomputed_by: tuple[str, ...]  # clients whose next commit names this root


class RunInfo(Record):
    """`run.json`: everything that is needed to repeat the run."""

    run: str
    started: str  # ISO 8601, UTC
    config: dict[str, Any]
    seeds: dict[str, int]
    base_model: dict[str, Any]  # id, digest, source
    data: dict[str, dict[str, Any]]  # file -> sha256, rows
    versions: dict[str, str]
    hardware: dict[str, Any]


class Summary(Record):
    """`summary.json`."""

    initial_loss: Loss
    final_loss: Loss
    loss_reduction_pct: Annotated[float, Field(allow_inf_nan=False)]
    initial_accuracy: Share | None
    final_accuracy: Share | None
    rounds_finalized: Count
    clients: Count
    test_items: Count
    seconds_total: Loss


class GasUse(Record):
    """What one kind of call cost over the run."""

    calls: Count
    least: Count
    mean: Count
    most: Count

    @model_validator(mode="after")
    def ordered(self) -> GasUse:
        if not self.least <= self.mean <= self.most:
            raise ValueError("least <= mean <= most does not hold")
        return self


class Payout(Record):
    """An account's money in token units: what it earned, the bonds that came back, and how much of both it claimed."""

    rewards: Count
    bonds_returned: Count
    claimed: Count


class RoundSeconds(Record):
    """How long a final round took. `phases`: phase -> seconds by the chain's clock, "train" from the round's opening to
    the last commit. `next_training`: seconds from the last commit until the last of the sites began to train for the
    next round; None where no round follows."""

    round: Count
    phases: dict[str, Count]
    next_training: Annotated[float, Field(allow_inf_nan=False)] | None


class Report(Record):
    """`report.json`: what the final table shows in addition to the summary."""

    # client id -> score of the model that the site trained alone, on the common test set, with as many steps
    solo: dict[str, Score]
    paid: dict[str, Payout]  # client id, or "aggregator"
    gas: dict[str, GasUse]  # call -> gas
    peak_memory: dict[str, Count]  # process -> the most bytes of resident memory
    seconds: tuple[RoundSeconds, ...] = ()  # runs of before 2026-11-29 have none


def summarize(rounds: list[RoundRecord], clients: int, seconds_total: float) -> Summary:
    """The summary that follows from `rounds` (the genesis first, then every final round in order).

    Raises: ResultsError without a genesis record.
    """
    if not rounds or rounds[0].round != 0:
        raise ResultsError("the first record must be round 0, the genesis adapter: evaluate it before the first round")
    first, last = rounds[0], rounds[-1]
    return Summary(
        initial_loss=first.global_loss,
        final_loss=last.global_loss,
        loss_reduction_pct=round(100 * (1 - last.global_loss / first.global_loss), 2) if first.global_loss else 0.0,
        initial_accuracy=first.global_accuracy,
        final_accuracy=last.global_accuracy,
        rounds_finalized=len(rounds) - 1,
        clients=clients,
        test_items=sum(score.items for score in first.by_domain.values()),
        seconds_total=round(seconds_total, 1),
    )


def pool(scores: dict[str, Score]) -> Score:
    """One score over several sets of items, weighted by their sizes.

    Raises: ResultsError if there is no item at all.
    """
    items = sum(score.items for score in scores.values())
    if not items:
        raise ResultsError("no test item was scored: give the nodes a test set ([data] test)")
    rates = [score.accuracy for score in scores.values() if score.items]
    known = [rate for rate in rates if rate is not None]
    weighted = [score for score in scores.values() if score.items]
    return Score(
        loss=sum(score.loss * score.items for score in weighted) / items,
        accuracy=sum((s.accuracy or 0.0) * s.items for s in weighted) / items if len(known) == len(rates) else None,
        items=items,
    )
