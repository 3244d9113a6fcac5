"""The contract does what the model does: the same calls in the same blocks give the same events, errors and views."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support.contract_and_model import Twin
from support.evm import Anvil
from support.federation import CONFIG, MASKED, Call, Deployed, Done, Refused
from support.histories import Author

EXAMPLES = 10 + int(os.environ.get("FED_HISTORIES", "3"))  # hypothesis keeps the first ten short
STEPS = 30  # of BLOCKS blocks each
BLOCKS = 6
SEEDS = st.integers(0, 2**64)
ACTORS = 7
LEAF_COUNTS = (2, 3, 2049)
FEDERATIONS = {
    **{f"public, {count} leaves": replace(CONFIG, leaf_count=count, total_rounds=12) for count in LEAF_COUNTS},
    "masked": replace(MASKED, total_rounds=12),
}


@pytest.fixture(scope="module")
def deployments() -> Iterator[dict[str, Deployed]]:
    with Anvil("--order", "fifo", "--base-fee", "0", "--gas-price", "0") as chain:
        yield {name: Deployed(chain, terms) for name, terms in FEDERATIONS.items()}


class Histories(RuleBasedStateMachine):
    deployments: dict[str, Deployed]
    seen: Counter[str]
    compared = 0

    @initialize(name=st.sampled_from(sorted(FEDERATIONS)))
    def deploy(self, name: str) -> None:
        self.twin = Twin(self.deployments[name], ACTORS)
        self.model, self.actors = self.twin.model, self.twin.actors
        self.author = Author(self.model, self.actors)
        joins = [Call(a, "join", (self.twin.config.min_stake,)) for a in self.actors[:3]]
        self._block(self.model.now + 1, [Call(self.actors[0], "fund", (8_032,)), *joins])

    def teardown(self) -> None:
        if not hasattr(self, "twin"):
            return
        try:
            self._wind_down()
        finally:
            type(self).compared += self.twin.compared
            self.twin.close()

    @rule(seed=SEEDS)
    def play(self, seed: int) -> None:
        """A few blocks; most of them bring the federation forward, some hold anything."""
        rng = random.Random(seed)
        for _ in range(BLOCKS):
            self.model.now = at = self.author.time(rng)
            if rng.random() < 0.3:
                done = self.twin.block_as_it_comes(at, lambda: self.author.any_call(rng), rng.randint(1, 3))
                self._count(done)
            elif calls := self.author.expected_calls(rng):
                self._block(at, calls)

    @rule(later=st.integers(0, 500))
    def look_ahead(self, later: int) -> None:
        """What the views would say at a later time, without a transaction."""
        self.twin.compare_views(self.model.now + later)

    def _block(self, at: int, calls: list[Call]) -> None:
        self._count(self.twin.block(at, calls))

    def _count(self, outcomes: list[tuple[Call, Done | Refused]]) -> None:
        for call, outcome in outcomes:
            if isinstance(outcome, Refused):
                self.seen[f"refused {outcome.name}"] += 1
                continue
            self.seen[call.name] += 1
            for event in outcome.events:
                detail = event.args.get("reason")
                self.seen[f"event {event.name}" + (f" {detail.name}" if detail is not None else "")] += 1

    def _wind_down(self) -> None:
        """Whatever happened: in the end everybody can leave, and only what was burned stays behind."""
        model, sponsor = self.model, self.twin.sponsor
        unsettled = [n for n, r in sorted(model.rounds.items()) if r.settled_at is None]
        late = model.now + 10_000
        self._block(late, [Call(self.actors[0], "abandon", (n,)) for n in unsettled])
        self._block(late + 1, [Call(a, "settle", (a,)) for a in self.actors])
        self._block(late + 2, [Call(a, "exit") for a in model.clients()])
        self._block(late + 3, [Call(a, "withdraw") for a in model.accounts])
        self._block(late + 4, [Call(sponsor, "close")])
        self._block(late + 5, [Call(a, "claim") for a in [*self.actors, sponsor] if model.owed(a)])
        assert model.wallets[model.address] == model.balances().burned, "money is stuck"


def test_the_contract_does_what_the_model_does(
    deployments: dict[str, Deployed], record_property: Callable[[str, object], None]
) -> None:
    Histories.deployments, Histories.seen = deployments, Counter()
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="FED_HISTORIES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    seen = Histories.seen
    record_property("values compared: the round, contract and model", Histories.compared)
    record_property("coordinator histories: calls", sum(n for k, n in seen.items() if not k.startswith("event")))
    record_property("coordinator histories: distinct errors", sum(k.startswith("refused") for k in seen))
    for event in ("RoundFinalized", "RoundVoided", "Convicted", "Penalized", "Suspended"):
        total = sum(n for k, n in seen.items() if k.startswith(f"event {event}"))
        record_property(f"coordinator histories: {event}", total)
    if os.environ.get("FED_HISTORIES"):
        for key, count in sorted(seen.items()):
            print(f"{count:7} {key}")
    assert seen["event RoundFinalized"] > 0, "no history came to a final round: the test says nothing"
