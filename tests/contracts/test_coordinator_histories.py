"""The contract does what the model does: the same calls in the same blocks give the same events, errors and views."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fedprotocol.round import Federation
from fedprotocol.round.errors import RoundError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support.evm import Anvil
from support.federation import CONFIG, Call, Deployed, Done, Refused
from support.histories import Author

EXAMPLES = int(os.environ.get("FED_HISTORIES", "12"))
STEPS = 30  # of BLOCKS blocks each
BLOCKS = 6
SEEDS = st.integers(0, 2**64)
ACTORS = 7
LEAF_COUNTS = (2, 3, 2049)


@pytest.fixture(scope="module")
def deployments() -> Iterator[dict[int, Deployed]]:
    with Anvil("--order", "fifo", "--base-fee", "0", "--gas-price", "0") as chain:
        yield {count: Deployed(chain, replace(CONFIG, leaf_count=count, total_rounds=12)) for count in LEAF_COUNTS}


class Histories(RuleBasedStateMachine):
    deployments: dict[int, Deployed]
    seen: Counter[str]

    @initialize(leaf_count=st.sampled_from(LEAF_COUNTS))
    def deploy(self, leaf_count: int) -> None:
        self.deployed = self.deployments[leaf_count]
        self.snapshot = self.deployed.chain.rpc("evm_snapshot")
        d = self.deployed
        self.model = Federation(d.config, chain_id=d.chain_id, address=d.address, now=d.now())
        for account in d.accounts:
            self.model.wallets[account] = 10**9
        self.actors = d.accounts[1 : 1 + ACTORS]
        self.author = Author(self.model, self.actors)
        self.supply = sum(self.model.wallets.values())
        start = [Call(self.actors[0], "fund", (5_015,)), *(Call(a, "join", (400,)) for a in self.actors[:3])]
        self._block(self.model.now + 1, iter(start).__next__, len(start))

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        try:
            self._wind_down()
        finally:
            self.deployed.chain.rpc("evm_revert", self.snapshot)

    @rule(seed=SEEDS)
    def play(self, seed: int) -> None:
        """A few blocks; most of them bring the federation forward, some hold anything."""
        rng = random.Random(seed)
        for _ in range(BLOCKS):
            self.model.now = at = self.author.time(rng)
            if rng.random() < 0.3:
                self._block(at, lambda: self.author.any_call(rng), rng.randint(1, 3))
            elif calls := self.author.expected_calls(rng):
                self._block(at, iter(calls).__next__, len(calls))

    @rule(later=st.integers(0, 500))
    def look_ahead(self, later: int) -> None:
        """What the views would say at a later time, without a transaction."""
        self._compare_views(self.model.now + later)

    def _block(self, at: int, next_call: Callable[[], Call], count: int) -> None:
        self.model.now = at
        calls, expected = [], []
        for _ in range(count):
            calls.append(next_call())
            expected.append(self._in_model(calls[-1]))
        outcomes = self.deployed.block(calls, at)
        for call, mine, theirs in zip(calls, expected, outcomes, strict=True):
            given = theirs if isinstance(theirs, Refused) else theirs.events
            assert given == mine, f"{call}\nmodel:    {mine}\ncontract: {given}"
            self._count(call, theirs)
        self._compare_views(at)

    def _in_model(self, call: Call) -> Any:
        try:
            return getattr(self.model, call.name)(call.sender, *call.args)
        except RoundError as error:
            return Refused(type(error).__name__, error.arguments)

    def _count(self, call: Call, outcome: Done | Refused) -> None:
        if isinstance(outcome, Refused):
            self.seen[f"refused {outcome.name}"] += 1
            return
        self.seen[call.name] += 1
        for event in outcome.events:
            detail = event.args.get("reason")
            self.seen[f"event {event.name}" + (f" {detail.name}" if detail is not None else "")] += 1

    def _compare_views(self, at: int) -> None:
        model, d = self.model, self.deployed
        last = model.last_opened()
        names = ("balances", "active_count", "last_opened", "final_count", "latest_final", "is_closed", "clients")
        queries: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in names]
        for account in self.actors:
            queries += [("seat", (account,)), ("owed", (account,))]
        queries.append(("owed", (d.config.sponsor,)))
        for number in range(max(last - 2, 0), last + 2):
            queries += [(name, (number,)) for name in ("round_view", "updates", "proposals", "bond_of")]
            for account in self.actors:
                queries += [(name, (number, account)) for name in ("commitment", "update_index", "pages_of")]
        holders = [*d.accounts, d.address]
        wallets = [("balanceOf", (a,)) for a in holders]

        now, model.now = model.now, at
        answers = dict(zip(queries + wallets, d.read(queries + wallets, at), strict=True))
        for (name, args), theirs in answers.items():
            mine = model.wallets[args[0]] if name == "balanceOf" else getattr(model, name)(*args)
            if name == "clients":
                mine, theirs = sorted(mine), sorted(theirs)
            assert theirs == mine, f"{name}{args} at {at}\nmodel:    {mine}\ncontract: {theirs}"
        model.now = now
        assert model.wallets[d.address] == model.pots.total(), "the balance equation"
        assert sum(model.wallets.values()) == self.supply, "a token was lost or made"

    def _wind_down(self) -> None:
        """Whatever happened: in the end everybody can leave, and only what was burned stays behind."""
        model = self.model
        unsettled = [n for n, r in sorted(model.rounds.items()) if r.settled_at is None]
        late = model.now + 10_000
        for at, calls in (
            (late, [Call(self.actors[0], "abandon", (n,)) for n in unsettled]),
            (late + 1, [Call(a, "settle", (a,)) for a in self.actors]),
            (late + 2, [Call(a, "exit") for a in model.clients()]),
            (late + 3, [Call(a, "withdraw") for a in model.accounts]),
            (late + 4, [Call(model.config.sponsor, "close")]),
        ):
            if calls:
                self._block(at, iter(calls).__next__, len(calls))
        claims = [Call(a, "claim") for a in [*self.actors, model.config.sponsor] if model.owed(a)]
        if claims:
            self._block(late + 5, iter(claims).__next__, len(claims))
        assert model.wallets[model.address] == model.pots.burned, "money is stuck"


def test_the_contract_does_what_the_model_does(
    deployments: dict[int, Deployed], record_property: Callable[[str, object], None]
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
    record_property("coordinator histories: calls", sum(n for k, n in seen.items() if not k.startswith("event")))
    record_property("coordinator histories: distinct errors", sum(k.startswith("refused") for k in seen))
    for event in ("RoundFinalized", "RoundVoided", "Convicted", "Penalized", "Suspended"):
        total = sum(n for k, n in seen.items() if k.startswith(f"event {event}"))
        record_property(f"coordinator histories: {event}", total)
    if os.environ.get("FED_HISTORIES"):
        for key, count in sorted(seen.items()):
            print(f"{count:7} {key}")
    assert seen["event RoundFinalized"] > 0, "no history came to a final round: the test says nothing"
